// Cancelling what runs and keeping what would expire: Flight's actions, and Flight SQL's older one.

import Flight
import Memory
import Protobuf

/// How far a cancellation is. The numbers of `CancelStatus` and of `ActionCancelQueryResult` are the same.
public enum CancelStatus: Int32, Hashable, Sendable {
  /// Not known; a server should rather answer NOT_FOUND.
  case unspecified = 0
  case cancelled = 1
  /// On its way; asking again is allowed.
  case cancelling = 2
  case notCancellable = 3
}

/// The older way to cancel, which holds the query's FlightInfo.
public struct ActionCancelQueryRequest: FlightSQLMessage {
  public static let name = "ActionCancelQueryRequest"

  public var info: FlightInfo

  public init(info: FlightInfo) { self.info = info }

  // info:1, a serialised FlightInfo
  public init(_ message: ProtobufReader) throws(DataError) {
    info = try FlightInfo(ProtobufReader(Buffer(copying: try onlyBytes(message))))
  }

  public func write(to writer: inout ProtobufWriter) { writer.message(1) { info.write(to: &$0) } }
}

public struct ActionCancelQueryResult: FlightSQLMessage {
  public static let name = "ActionCancelQueryResult"

  public var result: CancelStatus

  public init(result: CancelStatus) { self.result = result }

  // result:1
  public init(_ message: ProtobufReader) throws(DataError) { result = try onlyEnumeration(message) }

  public func write(to writer: inout ProtobufWriter) { writer.integer(1, Int64(result.rawValue)) }
}

/// Field 1 of a message that has nothing else: a number with names, 0 where it is missing.
func onlyEnumeration<E: RawRepresentable<Int32>>(_ message: ProtobufReader) throws(DataError) -> E {
  var reader = message
  var value = E(rawValue: 0)!
  while let field = try reader.next() { if field.number == 1 { value = try enumeration(field, E.self) } }
  return value
}

/// A message of Flight's own, which travels without an envelope. Some clients send one all the same.
public protocol FlightActionMessage: Hashable, Sendable {
  static var name: String { get }

  init(_ message: ProtobufReader) throws(DataError)

  func write(to writer: inout ProtobufWriter)
}

extension FlightActionMessage {
  public var bytes: [UInt8] {
    var writer = ProtobufWriter()
    write(to: &writer)
    return writer.bytes
  }

  /// - Throws: `.malformed` for bytes that are no such message.
  public init(bytes: [UInt8]) throws(DataError) {
    var body = Buffer(copying: bytes)
    if let envelope = AnyMessage(bytes), envelope.fullName == "arrow.flight.protocol." + Self.name {
      body = envelope.value
    }
    do throws(DataError) { try self.init(ProtobufReader(body)) } catch { throw error.within(Self.name) }
  }
}

/// Cancels what a FlightInfo stands for.
public struct CancelFlightInfoRequest: FlightActionMessage {
  public static let name = "CancelFlightInfoRequest"

  public var info: FlightInfo

  public init(info: FlightInfo) { self.info = info }

  // info:1
  public init(_ message: ProtobufReader) throws(DataError) {
    var reader = message
    var info: FlightInfo?
    while let field = try reader.next() {
      if field.number == 1 { info = try FlightInfo(field.message()) }
    }
    guard let info else { throw DataError(.malformed, "no FlightInfo is named") }
    self.info = info
  }

  public func write(to writer: inout ProtobufWriter) { writer.message(1) { info.write(to: &$0) } }
}

public struct CancelFlightInfoResult: FlightActionMessage {
  public static let name = "CancelFlightInfoResult"

  public var status: CancelStatus

  public init(status: CancelStatus) { self.status = status }

  // status:1
  public init(_ message: ProtobufReader) throws(DataError) { status = try onlyEnumeration(message) }

  public func write(to writer: inout ProtobufWriter) { writer.integer(1, Int64(status.rawValue)) }
}

/// Asks for more time for an endpoint's ticket.
public struct RenewFlightEndpointRequest: FlightActionMessage {
  public static let name = "RenewFlightEndpointRequest"

  public var endpoint: FlightEndpoint

  public init(endpoint: FlightEndpoint) { self.endpoint = endpoint }

  // endpoint:1
  public init(_ message: ProtobufReader) throws(DataError) {
    var reader = message
    var endpoint: FlightEndpoint?
    while let field = try reader.next() {
      if field.number == 1 { endpoint = try FlightEndpoint(field.message()) }
    }
    guard let endpoint else { throw DataError(.malformed, "no endpoint is named") }
    self.endpoint = endpoint
  }

  public func write(to writer: inout ProtobufWriter) { writer.message(1) { endpoint.write(to: &$0) } }
}

extension RenewFlightEndpointRequest {
  /// The answer to the request: the endpoint by itself.
  static func bytes(_ endpoint: FlightEndpoint) -> [UInt8] {
    var writer = ProtobufWriter()
    endpoint.write(to: &writer)
    return writer.bytes
  }

  static func answer(_ bytes: [UInt8]) throws(DataError) -> FlightEndpoint {
    try FlightEndpoint(ProtobufReader(Buffer(copying: bytes)))
  }
}
