// Metadata: named strings and bytes that travel before and after a call's messages.

import HTTP2

/// An ordered list of metadata. Keys are lower case and may repeat; those that end in `-bin` hold bytes.
///
/// On the wire bytes are base64, padded or not, and several values of one key may come joined by commas. A list that
/// came from the peer is read where it is: it costs nothing until somebody asks.
public struct CallMetadata: Sendable {
  /// Values as they are on the wire; of a received list also fields that are not metadata, which are passed over.
  private(set) var fields: HeaderList

  public init() { fields = HeaderList() }

  /// - Parameter received: headers or trailers of HTTP/2 that `check` has found to be well-formed.
  init(received: HeaderList) { fields = received }

  /// Adds a string: printable ASCII, without spaces at its ends. What cannot be sent fails the call with a status that
  /// says so. For a `-bin` key the string's UTF-8 bytes are added.
  public mutating func add(_ key: String, _ value: String) {
    let key = key.lowercased()
    if key.hasSuffix("-bin") {
      fields.append(key, Base64.encode(Array(value.utf8)))
    } else {
      fields.append(key, value, isSensitive: key == "authorization" || key == "cookie")
    }
  }

  /// Adds bytes. The key must end in `-bin`.
  public mutating func add(_ key: String, bytes: [UInt8]) {
    fields.append(key.lowercased(), Base64.encode(bytes))
  }

  /// Adds everything of another list.
  public mutating func add(_ other: CallMetadata) {
    for i in 0..<other.fields.count where other.isMetadata(i) {
      fields.append(other.fields.name(i), other.fields.value(i))
    }
  }

  /// The first value of a key; bytes come as the base64 that they are sent as.
  public subscript(key: String) -> String? {
    let key = key.lowercased()
    guard CallMetadata.isMetadata(key), let index = fields.firstIndex(named: key) else { return nil }
    let value = fields.value(index)
    return key.hasSuffix("-bin") ? value.split(separator: ",").first.map(String.init) ?? "" : value
  }

  /// All values of a key, in order.
  public func values(_ key: String) -> [String] {
    let key = key.lowercased()
    guard CallMetadata.isMetadata(key) else { return [] }
    var found: [String] = []
    var next = 0
    while let index = fields.firstIndex(named: key, from: next) {
      next = index + 1
      let value = fields.value(index)
      if key.hasSuffix("-bin") {
        found += value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      } else {
        found.append(value)
      }
    }
    return found
  }

  /// The first value of a `-bin` key.
  public func bytes(_ key: String) -> [UInt8]? { allBytes(key).first }

  /// All values of a `-bin` key.
  public func allBytes(_ key: String) -> [[UInt8]] {
    values(key).compactMap { Base64.decode(Array($0.utf8)[...]) }
  }

  /// Keys and values in order, bytes as base64.
  public var all: [(key: String, value: String)] {
    (0..<fields.count).filter { isMetadata($0) }.map { (fields.name($0), fields.value($0)) }
  }

  public var isEmpty: Bool { !(0..<fields.count).contains { isMetadata($0) } }

  // MARK: Rules

  /// Fields that belong to HTTP/2 or to gRPC itself are not metadata.
  private static func isMetadata(_ name: String) -> Bool { !name.hasPrefix(":") && !isReserved(name) }

  private func isMetadata(_ index: Int) -> Bool { CallMetadata.isMetadata(fields.name(index)) }

  static func isReserved(_ name: String) -> Bool {
    switch name {
    case "te", "content-type", "content-length", "connection", "host": true
    // Details of the status are for programs, so they stay visible.
    case "grpc-status-details-bin": false
    default: name.hasPrefix("grpc-")
    }
  }

  /// What may not be sent, in words; nil when all of it may (PROTOCOL-HTTP2.md, "Custom-Metadata").
  var fault: String? {
    for i in 0..<fields.count {
      let name = fields.name(i)
      if name.hasPrefix(":") || CallMetadata.isReserved(name) {
        return "the metadata key '\(name)' is reserved"
      }
      let isKey = !name.isEmpty && name.utf8.allSatisfy { CallMetadata.isKeyByte($0) }
      guard isKey else {
        return "'\(name)' is no metadata key: letters, digits, '_', '-' and '.' are allowed"
      }
      let value = fields.valueBytes(i)
      guard value.allSatisfy({ (0x20...0x7E).contains($0) }), value.first != 0x20, value.last != 0x20 else {
        return "the metadata value of '\(name)' is not printable ASCII: use a key that ends in -bin"
      }
    }
    return nil
  }

  private static func isKeyByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
    case UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."): true
    default: false
    }
  }

  /// What is wrong with received fields: values of `-bin` keys that are no base64.
  static func fault(ofReceived fields: HeaderList) -> String? {
    var next = 0
    while let i = fields.firstIndex(withSuffix: "-bin", from: next) {
      next = i + 1
      let values = fields.valueBytes(i).split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
      for value in values where Base64.decode(value) == nil {
        return "the metadata value of '\(fields.name(i))' is no base64"
      }
    }
    return nil
  }

  /// Appends the metadata to what is about to be sent.
  func append(to list: inout HeaderList) {
    for i in 0..<fields.count {
      list.append(
        fields.name(i), bytes: Array(fields.valueBytes(i)), isSensitive: fields.name(i) == "authorization")
    }
  }
}
