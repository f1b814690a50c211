// Flight's calls that files have no use for: exchanges, actions, handshakes, and infos that take their time.

import Arrow
import ArrowIPC
import Flight
import GRPC
import Memory

/// Sends back what it gets.
struct FlightEcho: FlightService {
  /// The user's name is the token.
  func handshake(_ exchange: HandshakeExchange, _ context: CallContext) throws {
    while let message = try exchange.receive() { try exchange.send(message) }
  }

  /// Complete at the third question; the descriptor that comes back counts them.
  func pollFlightInfo(_ descriptor: FlightDescriptor, _ context: CallContext) throws -> PollInfo {
    guard case .command(let bytes) = descriptor else {
      throw GRPCStatus(.invalidArgument, "only commands are polled here")
    }
    let asked = Int(String(decoding: bytes, as: UTF8.self)) ?? 0
    let info = FlightInfo(
      schema: [], descriptor: descriptor, endpoints: [], totalRecords: -1, totalBytes: -1, isOrdered: false)
    if asked >= 2 { return PollInfo(info: info, progress: 1) }
    return PollInfo(
      info: info, descriptor: .command(Array("\(asked + 1)".utf8)), progress: Double(asked) / 2)
  }

  /// Checks every value, as every service does, and drops it.
  func put(_ input: FlightInput, _ context: CallContext, _ acknowledge: ([UInt8]) throws -> Void) throws {
    while try input.next() != nil {}
  }

  /// Batches and metadata come back as they came; metadata alone as it came, too. The command "fail" ends it with an error
  /// after the first batch.
  func exchange(_ input: FlightInput, _ output: FlightOutput, _ context: CallContext) throws {
    guard let schema = try input.schema() else {
      while let item = try input.next() { try output.write(appMetadata: item.appMetadata.array) }
      return
    }
    try output.start(schema)
    while let item = try input.next() {
      if let batch = item.batch {
        try output.write(batch, appMetadata: item.appMetadata.array)
        if case .command(Array("fail".utf8))? = input.descriptor {
          throw GRPCStatus(.failedPrecondition, "as the command says")
        }
      } else {
        try output.write(appMetadata: item.appMetadata.array)
      }
    }
  }

  /// "double" gives the body twice; "count" gives as many results as it says.
  func action(_ action: Action, _ context: CallContext, _ yield: ([UInt8]) throws -> Void) throws {
    switch action.type {
    case "double": for _ in 0..<2 { try yield(action.body) }
    case "count":
      for i in 0..<(Int(String(decoding: action.body, as: UTF8.self)) ?? 0) { try yield(Array("\(i)".utf8)) }
    default: throw GRPCStatus(.unimplemented, "there is no action '\(action.type)'")
    }
  }

  func actionTypes(_ context: CallContext) throws -> [ActionType] {
    [ActionType("double", "The body, twice."), ActionType("count", "So many results.")]
  }
}
