// What a Flight server answers: one method for each of Flight's calls, with a precise refusal where it does not.

import Arrow
import ArrowIPC
import GRPC
import Memory

/// A Flight server's side of every call. Methods are called from many threads at once, and may block: each call has a thread.
/// What they throw becomes the call's status: a `GRPCStatus` as it is, a `DataError` by its code.
public protocol FlightService: Sendable {
  /// How GetFlightInfo, GetSchema and PollFlightInfo are called: `.immediate` saves a change of threads where the answer is
  /// at hand.
  var lookupKind: MethodKind { get }

  func handshake(_ exchange: HandshakeExchange, _ context: CallContext) throws
  func listFlights(_ criteria: Criteria, _ context: CallContext, _ yield: (FlightInfo) throws -> Void) throws
  func flightInfo(_ descriptor: FlightDescriptor, _ context: CallContext) throws -> FlightInfo
  func pollFlightInfo(_ descriptor: FlightDescriptor, _ context: CallContext) throws -> PollInfo
  func schema(_ descriptor: FlightDescriptor, _ context: CallContext) throws -> [UInt8]
  func get(_ ticket: Ticket, _ output: FlightOutput, _ context: CallContext) throws
  /// - Parameter acknowledge: sends a PutResult with application metadata.
  func put(_ input: FlightInput, _ context: CallContext, _ acknowledge: ([UInt8]) throws -> Void) throws
  func exchange(_ input: FlightInput, _ output: FlightOutput, _ context: CallContext) throws
  func action(_ action: Action, _ context: CallContext, _ yield: ([UInt8]) throws -> Void) throws
  func actionTypes(_ context: CallContext) throws -> [ActionType]
}

extension FlightService {
  public var lookupKind: MethodKind { .blocking }

  public func handshake(_ exchange: HandshakeExchange, _ context: CallContext) throws {
    throw GRPCStatus(.unimplemented, "this server has no handshake: it asks for no authentication")
  }

  public func listFlights(
    _ criteria: Criteria, _ context: CallContext, _ yield: (FlightInfo) throws -> Void
  ) throws {
    throw GRPCStatus(.unimplemented, "this server does not list its flights")
  }

  public func flightInfo(_ descriptor: FlightDescriptor, _ context: CallContext) throws -> FlightInfo {
    throw GRPCStatus(.unimplemented, "this server has no flight infos")
  }

  /// The whole info at once: the flight is complete.
  public func pollFlightInfo(_ descriptor: FlightDescriptor, _ context: CallContext) throws -> PollInfo {
    PollInfo(info: try flightInfo(descriptor, context), progress: 1)
  }

  /// The schema of the flight's info.
  public func schema(_ descriptor: FlightDescriptor, _ context: CallContext) throws -> [UInt8] {
    try flightInfo(descriptor, context).schema
  }

  public func get(_ ticket: Ticket, _ output: FlightOutput, _ context: CallContext) throws {
    throw GRPCStatus(.unimplemented, "this server gives no data")
  }

  public func put(_ input: FlightInput, _ context: CallContext, _ acknowledge: ([UInt8]) throws -> Void)
    throws
  {
    throw GRPCStatus(.unimplemented, "this server takes no data")
  }

  public func exchange(_ input: FlightInput, _ output: FlightOutput, _ context: CallContext) throws {
    throw GRPCStatus(.unimplemented, "this server exchanges no data")
  }

  public func action(_ action: Action, _ context: CallContext, _ yield: ([UInt8]) throws -> Void) throws {
    throw GRPCStatus(.unimplemented, "this server has no action '\(action.type)'")
  }

  public func actionTypes(_ context: CallContext) throws -> [ActionType] { [] }
}

/// What a service knows of the call that it answers.
public struct CallContext: Sendable {
  public let call: ServerCall

  init(_ call: ServerCall) { self.call = call }

  public var metadata: CallMetadata { call.metadata }
  public var peer: String { call.peer }
  public var isCancelled: Bool { call.isCancelled }

  /// Throws when nobody waits for the answer any more.
  public func checkCancelled() throws(GRPCStatus) {
    if isCancelled { throw GRPCStatus(.cancelled, "the call was cancelled") }
  }

  /// The codec that the client asks bodies to be compressed with, by the header `fletch-compression: zstd` (or `lz4`, with a
  /// level behind a colon: `zstd:3`).
  func requestedCompression() throws(GRPCStatus) -> WriteOptions {
    guard let wish = metadata["fletch-compression"] else { return WriteOptions() }
    let parts = wish.split(separator: ":", omittingEmptySubsequences: false)
    let codec: Codec
    switch parts[0] {
    case "none": return WriteOptions()
    case "zstd": codec = .zstd
    case "lz4": codec = .lz4
    default: throw GRPCStatus(.invalidArgument, "fletch-compression is none, zstd or lz4, not '\(wish)'")
    }
    guard parts.count > 1 else { return WriteOptions(codec: codec) }
    guard parts.count == 2, let level = Int(parts[1]), codec.levels.contains(level) else {
      throw GRPCStatus(.invalidArgument, "'\(wish)' is no level of \(codec)")
    }
    return WriteOptions(codec: codec, level: level)
  }
}
