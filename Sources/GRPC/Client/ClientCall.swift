// A call as a client's code sees it.

import HTTP2
import Memory

/// A call on a client. One thread may send while another receives. Letting go of it cancels it.
public final class ClientCall: Sendable {
  private let core: ClientCallCore

  init(_ core: ClientCallCore) { self.core = core }

  deinit { core.cancel(GRPCStatus(.cancelled, "the call was let go of")) }

  /// Sends one message: the buffers behind one another, by reference, so they must not change. Blocks while the server
  /// does not read and some megabytes wait.
  /// - Throws: the call's status when the server has ended it, CANCELLED when that is OK.
  public func send(_ message: [Buffer]) throws(GRPCStatus) { try core.send(message) }

  /// Sends the one message of a request, and says that no more come. A server that has answered already, without reading it, is no
  /// fault: `receive` tells what it said.
  public func sendOnly(_ message: [Buffer]) throws(GRPCStatus) { try core.sendOnly(message) }

  /// Sends the only message and waits for the only answer.
  public func unary(_ message: Buffer) throws(GRPCStatus) -> (
    Buffer, initial: CallMetadata, trailers: CallMetadata
  ) {
    // What the server says of a call that it ended early is a better reason than that it takes no more.
    try core.sendOnly([message])
    try core.waitForEnd()
    guard let answer = try core.receive() else {
      throw GRPCStatus(.internalError, "the server answered OK without a message")
    }
    guard try core.receive() == nil else {
      throw GRPCStatus(.internalError, "the server answered a unary call with several messages")
    }
    return (answer, core.initialMetadata(), core.trailers)
  }

  /// Says that no more messages come.
  public func finishSending() { core.finishSending() }

  /// The next message, alone in 64-byte aligned memory of its size; nil when the call has ended with OK. Blocks.
  /// - Throws: the status that the call has ended with.
  public func receive() throws(GRPCStatus) -> Buffer? { try core.receive() }

  /// What the server sent before its first message; blocks until it is there. Empty when the call ended without.
  public var initialMetadata: CallMetadata { core.initialMetadata() }

  /// What came with the status; empty before.
  public var trailers: CallMetadata { core.trailers }

  /// The status, once the call has ended.
  public var status: GRPCStatus? { core.status }

  /// Ends the call at both sides now; the others find it CANCELLED.
  public func cancel() { core.cancel(GRPCStatus(.cancelled, "the call was cancelled by the client")) }
}
