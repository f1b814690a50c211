// What went through a server or a client, counted where it happens.

import Synchronization

/// A snapshot of the counts.
public struct Metrics: Sendable, Equatable {
  public var connectionsOpen = 0
  public var connectionsTotal = 0
  public var streamsOpen = 0
  public var streamsTotal = 0
  /// Bytes on the wire, TLS included.
  public var bytesReceived = 0
  public var bytesSent = 0
  public var tlsHandshakesFailed = 0
  /// How often each limit was passed.
  public var breaches: [Breach: Int] = [:]
}

/// The live counts; relaxed atomics, so any thread may read them at any time.
final class MetricsRecorder: Sendable {
  let connectionsOpen = Atomic<Int>(0)
  let connectionsTotal = Atomic<Int>(0)
  let streamsOpen = Atomic<Int>(0)
  let streamsTotal = Atomic<Int>(0)
  let bytesReceived = Atomic<Int>(0)
  let bytesSent = Atomic<Int>(0)
  let tlsHandshakesFailed = Atomic<Int>(0)
  private let breaches = Mutex<[Breach: Int]>([:])

  /// Breaches are rare: a lock is cheap enough.
  func count(_ breach: Breach) { breaches.withLock { $0[breach, default: 0] += 1 } }

  func snapshot() -> Metrics {
    var metrics = Metrics()
    metrics.connectionsOpen = connectionsOpen.load(ordering: .relaxed)
    metrics.connectionsTotal = connectionsTotal.load(ordering: .relaxed)
    metrics.streamsOpen = streamsOpen.load(ordering: .relaxed)
    metrics.streamsTotal = streamsTotal.load(ordering: .relaxed)
    metrics.bytesReceived = bytesReceived.load(ordering: .relaxed)
    metrics.bytesSent = bytesSent.load(ordering: .relaxed)
    metrics.tlsHandshakesFailed = tlsHandshakesFailed.load(ordering: .relaxed)
    metrics.breaches = breaches.withLock { $0 }
    return metrics
  }
}
