// What Flight SQL's messages have in common: a name, and an envelope of google.protobuf.Any around them.

import Memory
import Protobuf

/// A message that travels inside of a `google.protobuf.Any`.
public protocol FlightSQLMessage: Hashable, Sendable {
  /// The name without its package: `CommandStatementQuery`.
  static var name: String { get }

  /// - Throws: `.malformed` for bytes that are no such message.
  init(_ message: ProtobufReader) throws(DataError)

  func write(to writer: inout ProtobufWriter)
}

extension FlightSQLMessage {
  /// The message in its envelope.
  public func wrapped() -> [UInt8] {
    var writer = ProtobufWriter()
    write(to: &writer)
    return AnyMessage(typeURL: AnyMessage.flightSQL + Self.name, value: Buffer(copying: writer.bytes)).bytes
  }

  /// The message by itself, as put results carry theirs.
  public func bare() -> [UInt8] {
    var writer = ProtobufWriter()
    write(to: &writer)
    return writer.bytes
  }

  /// Takes the message out of its envelope.
  /// - Throws: `.malformed` for what is no envelope, for one of another message, and for a message that cannot be read.
  public init(wrapped bytes: [UInt8]) throws(DataError) {
    guard let envelope = AnyMessage(bytes) else {
      throw DataError(.malformed, "\(Self.name) is not wrapped in a google.protobuf.Any")
    }
    guard let name = envelope.flightSQLName, name == Self.name else {
      throw DataError(.malformed, "a \(Self.name) is wanted, not '\(envelope.typeURL)'")
    }
    try self.init(body: envelope.value)
  }

  /// - Throws: as `init(_:)`, with the message's name.
  init(body: Buffer) throws(DataError) {
    do throws(DataError) { try self.init(ProtobufReader(body)) } catch { throw error.within(Self.name) }
  }
}

/// The envelope: `google.protobuf.Any`.
struct AnyMessage {
  /// What the type URLs of Flight SQL's messages begin with.
  static let flightSQL = "type.googleapis.com/arrow.flight.protocol.sql."
  private static let package = "arrow.flight.protocol.sql."

  var typeURL: String
  var value: Buffer

  init(typeURL: String, value: Buffer) {
    self.typeURL = typeURL
    self.value = value
  }

  // type_url:1 value:2
  /// Nil for bytes that are something else. Any SQL text is: a type URL has a slash and a dotted name behind it, and the
  /// lengths of both fields must come out to the byte.
  init?(_ bytes: [UInt8]) {
    guard bytes.first == 0x0A else { return nil }
    self.init(typeURL: "", value: .empty)
    var reader = ProtobufReader(Buffer(copying: bytes))
    do throws(DataError) {
      while let field = try reader.next() {
        switch field.number {
        case 1: typeURL = try field.string()
        case 2: value = try field.bytes()
        default: return nil
        }
      }
    } catch { return nil }
    guard let slash = typeURL.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
    let name = typeURL.utf8[typeURL.utf8.index(after: slash)...]
    guard name.contains(UInt8(ascii: ".")), name.allSatisfy(AnyMessage.isNameByte) else { return nil }
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."):
      true
    default: false
    }
  }

  /// The name behind the URL's last slash; what stands before it means nothing.
  var fullName: Substring { typeURL.split(separator: "/", omittingEmptySubsequences: false).last ?? "" }

  /// The message's name when it is one of Flight SQL's package.
  var flightSQLName: Substring? {
    fullName.hasPrefix(AnyMessage.package) ? fullName.dropFirst(AnyMessage.package.count) : nil
  }

  var bytes: [UInt8] {
    var writer = ProtobufWriter()
    writer.string(1, typeURL)
    writer.bytes(2, value)
    return writer.bytes
  }
}

/// Reads an enumeration's number.
/// - Throws: `.malformed` for numbers that the specification does not know.
func enumeration<E: RawRepresentable<Int32>>(
  _ field: ProtobufField, _ type: E.Type
) throws(DataError) -> E {
  let number = try field.integer()
  guard let raw = Int32(exactly: number), let value = E(rawValue: raw) else {
    throw DataError(.malformed, "\(number) is no \(E.self)", offset: field.offset)
  }
  return value
}
