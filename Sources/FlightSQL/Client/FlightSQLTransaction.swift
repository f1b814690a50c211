// A transaction at the client, and its savepoints.

import Flight
import GRPC

/// A transaction that has begun. What is asked in it names it; one that is let go of without an end is the server's to end.
public final class FlightSQLTransaction: Sendable {
  /// A mark in a transaction that can be gone back to.
  public struct Savepoint: Sendable {
    public let id: [UInt8]
    public let name: String
  }

  private let client: FlightSQLClient
  public let id: [UInt8]

  init(_ client: FlightSQLClient, _ id: [UInt8]) {
    self.client = client
    self.id = id
  }

  public func commit() throws { try end(.commit) }

  public func rollback() throws { try end(.rollback) }

  private func end(_ action: ActionEndTransactionRequest.Ending) throws {
    let body = ActionEndTransactionRequest(transactionID: id, action: action).wrapped()
    _ = try client.answer(Action("EndTransaction", body: body))
  }

  public func beginSavepoint(_ name: String) throws -> Savepoint {
    let body = ActionBeginSavepointRequest(transactionID: id, savepoint: name).wrapped()
    guard let answer = try client.answer(Action("BeginSavepoint", body: body)) else {
      throw GRPCStatus(.internalError, "the server answered nothing to BeginSavepoint")
    }
    return Savepoint(id: try ActionBeginSavepointResult(wrapped: answer).savepointID, name: name)
  }

  public func release(_ savepoint: Savepoint) throws { try end(savepoint, .release) }

  /// Takes back what was done since; the savepoint stays.
  public func rollback(to savepoint: Savepoint) throws { try end(savepoint, .rollback) }

  private func end(_ savepoint: Savepoint, _ action: ActionEndSavepointRequest.Ending) throws {
    let body = ActionEndSavepointRequest(savepointID: savepoint.id, action: action).wrapped()
    _ = try client.answer(Action("EndSavepoint", body: body))
  }
}
