// The connection of a client: made when it is wanted, shared while it is open, and not tried too often.

import HTTP2
import Synchronization

/// Gives out the current connection, or makes one. After a failure everybody fails at once for a while, longer each
/// time; a connection that was made and ended is replaced without such a pause.
final class Connector: Sendable {
  private enum Phase {
    case idle
    case connecting
    case ready(HTTP2Connection)
    case failed(GRPCStatus, until: MonotonicTime)
    case closed
  }
  private struct State {
    var phase = Phase.idle
    var wire: HTTP2Client?
    var waiters: [Signal] = []
    var failures = 0
  }

  private let address: SocketAddress
  private let tls: TLSContext?
  private let options: GRPCClientOptions
  private let state = Mutex(State())

  init(_ address: SocketAddress, _ tls: TLSContext?, _ options: GRPCClientOptions) {
    self.address = address
    self.tls = tls
    self.options = options
  }

  deinit { close() }

  private enum Step {
    case use(HTTP2Connection)
    case connect
    case wait(Signal)
    case fail(GRPCStatus)
  }

  /// Blocks until there is a connection.
  func connection(_ deadline: MonotonicTime?) throws(GRPCStatus) -> HTTP2Connection {
    while true {
      let now = MonotonicTime.now
      if let deadline, now >= deadline {
        throw GRPCStatus(.deadlineExceeded, "the deadline has passed before there was a connection")
      }
      switch state.withLock({ Connector.next(&$0, now) }) {
      case .use(let connection): return connection
      case .connect: connect()
      case .wait(let signal): _ = signal.wait(deadline.map { $0 - now })
      case .fail(let status): throw status
      }
    }
  }

  private static func next(_ state: inout State, _ now: MonotonicTime) -> Step {
    switch state.phase {
    case .ready(let connection) where connection.isOpen: return .use(connection)
    case .closed: return .fail(GRPCStatus(.unavailable, "the client is closed"))
    case .failed(let status, let until) where now < until: return .fail(status)
    case .connecting:
      let signal = Signal()
      state.waiters.append(signal)
      return .wait(signal)
    case .idle, .ready, .failed:
      state.phase = .connecting
      return .connect
    }
  }

  private func connect() {
    do throws(HTTP2Error) {
      let wire = try state.withLock { state throws(HTTP2Error) in
        if let wire = state.wire { return wire }
        let wire = try HTTP2Client(options: options.http2)
        state.wire = wire
        return wire
      }
      wire.connect(to: address, tls: tls) { [weak self] result in
        guard let self else {
          if case .success(let connection) = result { connection.close() }
          return
        }
        finish(result)
      }
    } catch {
      finish(.failure(error))
    }
  }

  private func finish(_ result: Result<HTTP2Connection, HTTP2Error>) {
    let (waiters, unwanted) = state.withLock { state -> ([Signal], HTTP2Connection?) in
      defer { state.waiters = [] }
      if case .closed = state.phase { return (state.waiters, try? result.get()) }
      switch result {
      case .success(let connection):
        state.phase = .ready(connection)
        state.failures = 0
      case .failure(let error):
        let pause = backOff(after: state.failures)
        state.failures += 1
        let status = GRPCStatus(.unavailable, "cannot reach \(address): \(error.message)")
        state.phase = .failed(status, until: MonotonicTime.now + pause)
      }
      return (state.waiters, nil)
    }
    unwanted?.close()
    for signal in waiters { signal.raise() }
  }

  /// Doubled with every failure, and varied by a fifth so that many clients do not come back together.
  private func backOff(after failures: Int) -> Duration {
    let first = Double(GRPCTimeout.clampedNanoseconds(options.firstBackOff))
    let most = Double(GRPCTimeout.clampedNanoseconds(options.longestBackOff))
    let wanted = min(most, first * Double(UInt64(1) << UInt64(min(failures, 30))))
    return GRPCTimeout.duration(seconds: wanted * Double.random(in: 0.8...1.2) / 1e9)
  }

  func close() {
    let (connection, waiters) = state.withLock { state -> (HTTP2Connection?, [Signal]) in
      var connection: HTTP2Connection?
      if case .ready(let open) = state.phase { connection = open }
      state.phase = .closed
      defer { state.waiters = [] }
      return (connection, state.waiters)
    }
    connection?.close()
    for signal in waiters { signal.raise() }
  }
}
