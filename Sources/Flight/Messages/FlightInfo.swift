// What a flight is and where to get it: schema, endpoints, tickets, sizes.

import Arrow
import ArrowIPC
import Memory
import Protobuf

/// Opaque bytes that a service gives out and takes back in DoGet.
public struct Ticket: Hashable, Sendable {
  public var bytes: [UInt8]

  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  public init(_ text: String) { bytes = Array(text.utf8) }

  // ticket:1
  init(_ message: ProtobufReader) throws(DataError) {
    var reader = message
    bytes = []
    while let field = try reader.next() { if field.number == 1 { bytes = try field.bytes().array } }
  }

  func write(to writer: inout ProtobufWriter) { writer.bytes(1, bytes) }
}

/// A moment, in seconds and nanoseconds since 1970-01-01T00:00:00Z.
public struct FlightTimestamp: Hashable, Sendable {
  public var seconds: Int64
  public var nanoseconds: Int32

  public init(seconds: Int64, nanoseconds: Int32 = 0) {
    self.seconds = seconds
    self.nanoseconds = nanoseconds
  }

  // seconds:1 nanos:2
  init(_ message: ProtobufReader) throws(DataError) {
    var reader = message
    (seconds, nanoseconds) = (0, 0)
    while let field = try reader.next() {
      switch field.number {
      case 1: seconds = try field.integer()
      case 2: nanoseconds = Int32(truncatingIfNeeded: try field.integer())
      default: break
      }
    }
  }

  func write(to writer: inout ProtobufWriter) {
    writer.integer(1, seconds)
    writer.integer(2, Int64(nanoseconds))
  }
}

/// A part of a flight. Without locations it is to be got where its info came from.
public struct FlightEndpoint: Hashable, Sendable {
  public var ticket: Ticket
  public var locations: [String]
  /// When the ticket stops being good, if it ever does.
  public var expiration: FlightTimestamp?
  public var appMetadata: [UInt8]

  public init(
    ticket: Ticket, locations: [String] = [], expiration: FlightTimestamp? = nil, appMetadata: [UInt8] = []
  ) {
    self.ticket = ticket
    self.locations = locations
    self.expiration = expiration
    self.appMetadata = appMetadata
  }

  // ticket:1 location:2 (uri:1) expiration_time:3 app_metadata:4
  public init(_ message: ProtobufReader) throws(DataError) {
    self.init(ticket: Ticket([]))
    var reader = message
    while let field = try reader.next() {
      switch field.number {
      case 1: ticket = try Ticket(field.message())
      case 2:
        var location = try field.message()
        var uri = ""
        while let part = try location.next() { if part.number == 1 { uri = try part.string() } }
        locations.append(uri)
      case 3: expiration = try FlightTimestamp(field.message())
      case 4: appMetadata = try field.bytes().array
      default: break
      }
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.message(1) { ticket.write(to: &$0) }
    for location in locations { writer.message(2) { $0.string(1, location) } }
    if let expiration { writer.message(3) { expiration.write(to: &$0) } }
    writer.bytes(4, appMetadata)
  }
}

/// A flight: what it holds and the endpoints to get it from.
public struct FlightInfo: Hashable, Sendable {
  /// The schema as an IPC message with its framing; empty when it is not known. See `SchemaMessage`.
  public var schema: [UInt8]
  public var descriptor: FlightDescriptor?
  public var endpoints: [FlightEndpoint]
  /// -1 when it is not known.
  public var totalRecords: Int64
  /// -1 when it is not known.
  public var totalBytes: Int64
  /// Whether the endpoints' data belongs together in their order.
  public var isOrdered: Bool
  public var appMetadata: [UInt8]

  public init(
    schema: [UInt8], descriptor: FlightDescriptor?, endpoints: [FlightEndpoint], totalRecords: Int64 = -1,
    totalBytes: Int64 = -1, isOrdered: Bool = false, appMetadata: [UInt8] = []
  ) {
    self.schema = schema
    self.descriptor = descriptor
    self.endpoints = endpoints
    self.totalRecords = totalRecords
    self.totalBytes = totalBytes
    self.isOrdered = isOrdered
    self.appMetadata = appMetadata
  }

  // schema:1 flight_descriptor:2 endpoint:3 total_records:4 total_bytes:5 ordered:6 app_metadata:7
  public init(_ message: ProtobufReader) throws(DataError) {
    self.init(schema: [], descriptor: nil, endpoints: [], totalRecords: 0, totalBytes: 0)
    var reader = message
    while let field = try reader.next() {
      switch field.number {
      case 1: schema = try field.bytes().array
      case 2: descriptor = try FlightDescriptor(field.message())
      case 3: endpoints.append(try FlightEndpoint(field.message()))
      case 4: totalRecords = try field.integer()
      case 5: totalBytes = try field.integer()
      case 6: isOrdered = try field.bool()
      case 7: appMetadata = try field.bytes().array
      default: break
      }
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.bytes(1, schema)
    if let descriptor { writer.message(2) { descriptor.write(to: &$0) } }
    for endpoint in endpoints { writer.message(3) { endpoint.write(to: &$0) } }
    writer.integer(4, totalRecords)
    writer.integer(5, totalBytes)
    writer.bool(6, isOrdered)
    writer.bytes(7, appMetadata)
  }
}

/// How far a query is that takes long.
public struct PollInfo: Hashable, Sendable {
  /// What is there to get already.
  public var info: FlightInfo?
  /// What to ask with next; nil when the query is complete.
  public var descriptor: FlightDescriptor?
  /// 0 to 1, where it is known.
  public var progress: Double?
  public var expiration: FlightTimestamp?

  public init(
    info: FlightInfo?, descriptor: FlightDescriptor? = nil, progress: Double? = nil,
    expiration: FlightTimestamp? = nil
  ) {
    self.info = info
    self.descriptor = descriptor
    self.progress = progress
    self.expiration = expiration
  }

  // info:1 flight_descriptor:2 progress:3 expiration_time:4
  init(_ message: ProtobufReader) throws(DataError) {
    self.init(info: nil)
    var reader = message
    while let field = try reader.next() {
      switch field.number {
      case 1: info = try FlightInfo(field.message())
      case 2: descriptor = try FlightDescriptor(field.message())
      case 3: progress = try field.double()
      case 4: expiration = try FlightTimestamp(field.message())
      default: break
      }
    }
  }

  func write(to writer: inout ProtobufWriter) {
    if let info { writer.message(1) { info.write(to: &$0) } }
    if let descriptor { writer.message(2) { descriptor.write(to: &$0) } }
    if let progress { writer.double(3, progress, isPresent: true) }
    if let expiration { writer.message(4) { expiration.write(to: &$0) } }
  }
}
