// The messages of one or two fields: handshakes, criteria, actions, results.

import Memory
import Protobuf

/// Two fields of text or bytes, by number: what most of Flight's small messages are.
private func twoFields(
  _ message: ProtobufReader, _ first: Int, _ second: Int
) throws(DataError) -> (Buffer, Buffer) {
  var reader = message
  var found = (Buffer.empty, Buffer.empty)
  while let field = try reader.next() {
    if field.number == first { found.0 = try field.bytes() }
    if field.number == second { found.1 = try field.bytes() }
  }
  return found
}

private func text(_ bytes: Buffer) throws(DataError) -> String {
  guard
    let text = String(
      validating: UnsafeRawBufferPointer(start: bytes.base, count: bytes.count), as: UTF8.self)
  else { throw DataError(.malformed, "a name is not UTF-8") }
  return text
}

/// One message of a handshake, either way.
public struct HandshakeMessage: Hashable, Sendable {
  public var protocolVersion: UInt64
  public var payload: [UInt8]

  public init(protocolVersion: UInt64 = 0, payload: [UInt8] = []) {
    self.protocolVersion = protocolVersion
    self.payload = payload
  }

  // protocol_version:1 payload:2
  init(_ message: ProtobufReader) throws(DataError) {
    self.init()
    var reader = message
    while let field = try reader.next() {
      if field.number == 1 { protocolVersion = UInt64(bitPattern: try field.integer()) }
      if field.number == 2 { payload = try field.bytes().array }
    }
  }

  func write(to writer: inout ProtobufWriter) {
    writer.integer(1, Int64(bitPattern: protocolVersion))
    writer.bytes(2, payload)
  }
}

/// The payload of a handshake with a name and a password.
public struct BasicAuthentication: Hashable, Sendable {
  public var user: String
  public var password: String

  public init(user: String, password: String) {
    self.user = user
    self.password = password
  }

  // username:2 password:3
  public init(_ payload: [UInt8]) throws(DataError) {
    let (user, password) = try twoFields(ProtobufReader(Buffer(copying: payload)), 2, 3)
    self.init(user: try text(user), password: try text(password))
  }

  public var payload: [UInt8] {
    var writer = ProtobufWriter()
    writer.string(2, user)
    writer.string(3, password)
    return writer.bytes
  }
}

/// What ListFlights is asked for; empty for everything.
public struct Criteria: Hashable, Sendable {
  public var expression: [UInt8]

  public init(_ expression: [UInt8] = []) { self.expression = expression }

  // expression:1
  init(_ message: ProtobufReader) throws(DataError) { expression = try twoFields(message, 1, 0).0.array }

  func write(to writer: inout ProtobufWriter) { writer.bytes(1, expression) }
}

/// Something a service is asked to do.
public struct Action: Hashable, Sendable {
  public var type: String
  public var body: [UInt8]

  public init(_ type: String, body: [UInt8] = []) {
    self.type = type
    self.body = body
  }

  // type:1 body:2
  init(_ message: ProtobufReader) throws(DataError) {
    let (type, body) = try twoFields(message, 1, 2)
    self.init(try text(type), body: body.array)
  }

  func write(to writer: inout ProtobufWriter) {
    writer.string(1, type)
    writer.bytes(2, body)
  }
}

/// An action that a service knows.
public struct ActionType: Hashable, Sendable {
  public var type: String
  public var description: String

  public init(_ type: String, _ description: String) {
    self.type = type
    self.description = description
  }

  // type:1 description:2
  init(_ message: ProtobufReader) throws(DataError) {
    let (type, description) = try twoFields(message, 1, 2)
    self.init(try text(type), try text(description))
  }

  func write(to writer: inout ProtobufWriter) {
    writer.string(1, type)
    writer.string(2, description)
  }
}

/// Messages of a single field of bytes, number 1: an action's Result, a PutResult, a SchemaResult.
enum BytesMessage {
  static func read(_ message: Buffer) throws(DataError) -> [UInt8] {
    try twoFields(ProtobufReader(message), 1, 0).0.array
  }

  static func write(_ bytes: [UInt8]) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.bytes(1, bytes)
    return writer.bytes
  }
}
