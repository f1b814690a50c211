// Header fields as one flat run of bytes: a request's twelve fields cost two allocations, not two dozen.

/// An ordered list of header fields or trailers, pseudo-header fields (`:path`) included.
///
///     bytes   ┌:path│/a.B/C│te│trailers│…┐
///     fields  [(0, 5, 11), (11, 13, 21), …]      start, end of name, end of value
///
/// Names are lower case, as HTTP/2 wants them. Values are bytes; as a `String`, bytes that are no UTF-8 are replaced.
public struct HeaderList: Sendable {
  @usableFromInline struct Field: Sendable {
    var start: Int32
    var nameEnd: Int32
    var valueEnd: Int32
    var isSensitive: Bool
  }

  var bytes: [UInt8] = []
  var fields: [Field] = []

  public init() {}

  public init(_ fields: [(name: String, value: String)]) {
    for (name, value) in fields { append(name, value) }
  }

  /// How many fields there are.
  public var count: Int { fields.count }
  public var isEmpty: Bool { fields.isEmpty }

  /// The size by RFC 9113, section 6.5.2: names, values, and 32 bytes a field.
  public var size: Int { bytes.count + 32 * fields.count }

  /// - Parameter isSensitive: keeps the value out of the compression tables of every hop (passwords, tokens).
  public mutating func append(_ name: String, _ value: String, isSensitive: Bool = false) {
    let start = bytes.count
    bytes.append(contentsOf: name.utf8)
    let nameEnd = bytes.count
    bytes.append(contentsOf: value.utf8)
    appendField(start, nameEnd, isSensitive)
  }

  /// A field whose value is any bytes that HTTP allows.
  public mutating func append(_ name: String, bytes value: [UInt8], isSensitive: Bool = false) {
    let start = bytes.count
    bytes.append(contentsOf: name.utf8)
    let nameEnd = bytes.count
    bytes.append(contentsOf: value)
    appendField(start, nameEnd, isSensitive)
  }

  mutating func append(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    let start = bytes.count
    if start == 0 {
      // What a gRPC request needs, so that nothing is moved while it is collected.
      bytes.reserveCapacity(384)
      fields.reserveCapacity(16)
    }
    bytes.append(contentsOf: name)
    let nameEnd = bytes.count
    bytes.append(contentsOf: value)
    appendField(start, nameEnd, false)
  }

  private mutating func appendField(_ start: Int, _ nameEnd: Int, _ isSensitive: Bool) {
    fields.append(
      Field(
        start: Int32(start), nameEnd: Int32(nameEnd), valueEnd: Int32(bytes.count), isSensitive: isSensitive))
  }

  // MARK: Reading

  public func name(_ index: Int) -> String {
    let field = fields[index]
    return String(decoding: bytes[Int(field.start)..<Int(field.nameEnd)], as: UTF8.self)
  }

  public func value(_ index: Int) -> String {
    String(decoding: valueBytes(index), as: UTF8.self)
  }

  /// A value as it came.
  public func valueBytes(_ index: Int) -> ArraySlice<UInt8> {
    let field = fields[index]
    return bytes[Int(field.nameEnd)..<Int(field.valueEnd)]
  }

  /// The place of the first field of that name, from `start` on.
  public func firstIndex(of name: StaticString, from start: Int = 0) -> Int? {
    let length = name.utf8CodeUnitCount
    let wanted = UnsafeRawBufferPointer(start: name.utf8Start, count: length)
    return bytes.withUnsafeBytes { all in
      for i in start..<fields.count {
        let field = fields[i]
        guard Int(field.nameEnd - field.start) == length else { continue }
        // SAFETY: every field lies within `bytes`: `appendField` is the only place that makes one.
        let name = UnsafeRawBufferPointer(rebasing: all[Int(field.start)..<Int(field.nameEnd)])
        if name.elementsEqual(wanted) { return i }
      }
      return nil
    }
  }

  /// The same for a name that is only known at run time.
  public func firstIndex(named name: String, from start: Int = 0) -> Int? {
    var name = name
    return name.withUTF8 { name in
      firstIndex(from: start) { $0.elementsEqual(name) }
    }
  }

  /// The place of the first field whose name ends so, from `start` on.
  public func firstIndex(withSuffix suffix: StaticString, from start: Int = 0) -> Int? {
    let wanted = UnsafeBufferPointer(start: suffix.utf8Start, count: suffix.utf8CodeUnitCount)
    return firstIndex(from: start) { $0.suffix(wanted.count).elementsEqual(wanted) }
  }

  private func firstIndex(from start: Int, where isIt: (UnsafeBufferPointer<UInt8>) -> Bool) -> Int? {
    bytes.withUnsafeBufferPointer { all in
      for i in start..<max(start, fields.count) {
        // SAFETY: as above.
        let name = all[Int(fields[i].start)..<Int(fields[i].nameEnd)]
        if isIt(UnsafeBufferPointer(rebasing: name)) { return i }
      }
      return nil
    }
  }

  /// The value of the first field of that name.
  public func first(_ name: StaticString) -> String? { firstIndex(of: name).map { value($0) } }

  /// Whether the first field of that name has exactly this value; makes no string.
  public func has(_ name: StaticString, _ value: StaticString) -> Bool {
    guard let index = firstIndex(of: name) else { return false }
    let field = fields[index]
    let count = Int(field.valueEnd - field.nameEnd)
    guard count == value.utf8CodeUnitCount else { return false }
    return bytes.withUnsafeBufferPointer { all in
      for i in 0..<count where all[Int(field.nameEnd) + i] != value.utf8Start[i] { return false }
      return true
    }
  }

  // MARK: Pseudo-header fields

  public var method: String? { first(":method") }
  public var path: String? { first(":path") }
  public var scheme: String? { first(":scheme") }
  /// The host that the client asked for: `:authority`, else `host`.
  public var authority: String? { first(":authority") ?? first("host") }
  /// The status of a response; nil when there is none or it is no number.
  public var status: Int? { first(":status").flatMap { Int($0) } }

  /// What a client sends first.
  public static func request(
    method: String = "POST", scheme: String = "http", authority: String, path: String
  ) -> HeaderList {
    var list = HeaderList()
    list.append(":method", method)
    list.append(":scheme", scheme)
    list.append(":authority", authority)
    list.append(":path", path)
    return list
  }

  /// What a server sends first.
  public static func response(status: Int = 200) -> HeaderList {
    var list = HeaderList()
    list.append(":status", String(status))
    return list
  }
}

extension HeaderList: Equatable {
  public static func == (a: HeaderList, b: HeaderList) -> Bool {
    a.bytes == b.bytes
      && a.fields.elementsEqual(b.fields) { $0.start == $1.start && $0.nameEnd == $1.nameEnd }
  }
}

extension HeaderList: CustomStringConvertible {
  /// `name: value` lines, with sensitive values left out.
  public var description: String {
    (0..<count).map { i in "\(name(i)): \(fields[i].isSensitive ? "…" : value(i))" }.joined(separator: "\n")
  }
}
