// Why an engine refused: one code that a client can act on, and the engine's own words.

import Memory

/// A refusal of an engine.
public struct EngineError: Error, Sendable, Equatable {
  /// What a client can do about it; named as gRPC's status codes, which they become.
  public enum Code: Sendable, Equatable, CaseIterable {
    /// The statement or a value is wrong, and will be the next time.
    case invalidArgument
    case notFound
    case alreadyExists
    case permissionDenied
    /// The state does not allow it: a constraint, a read-only database, an ended transaction.
    case failedPrecondition
    /// Another transaction came first; trying again may help.
    case aborted
    case cancelled
    case deadlineExceeded
    /// Memory, disk, size or queue.
    case resourceExhausted
    /// Not now: busy, or shutting down.
    case unavailable
    case unimplemented
    case dataLoss
    case `internal`
  }

  public var code: Code
  public var message: String
  /// The byte of the statement that the message is about.
  public var offset: Int?

  public init(_ code: Code, _ message: String, offset: Int? = nil) {
    self.code = code
    self.message = message
    self.offset = offset
  }
}

extension EngineError: CustomStringConvertible {
  public var description: String { message }
}

extension EngineError {
  public init(_ error: DataError) {
    let code: Code =
      switch error.code {
      case .malformed: .dataLoss
      case .unsupported: .unimplemented
      case .limit: .resourceExhausted
      case .invalid: .invalidArgument
      case .system: .internal
      }
    self.init(code, error.description)
  }
}
