// What a server can be asked for: a path, where its handler runs, and the handler.

/// Where a handler runs.
public enum MethodKind: Sendable {
  /// On a worker thread of its own for as long as the call lasts; it may block.
  case blocking
  /// Unary only: on the event loop's thread as soon as the request is complete. It must not block; `receive` does not
  /// and is called once.
  case immediate
  /// On the event loop's thread as soon as the first request message is there; it must not block. Returning does not
  /// end the call: `ServerCall.end` does, later and from any thread. For calls that only wait, of which there are many.
  case detached
}

/// One method of one service.
public struct GRPCMethod: Sendable {
  public let path: String
  public let kind: MethodKind
  let handle: @Sendable (ServerCall) throws -> Void

  /// - Parameters:
  ///   - path: `/package.Service/Method`
  ///   - handle: returning means OK; a thrown `GRPCStatus` is that status, a `DataError` is mapped, anything else is
  ///     INTERNAL.
  public init(
    _ path: String, kind: MethodKind, _ handle: @escaping @Sendable (ServerCall) throws -> Void
  ) {
    self.path = path
    self.kind = kind
    self.handle = handle
  }
}
