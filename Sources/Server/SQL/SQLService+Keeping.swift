// What waits for clients that may never come: how much of it there may be, and what goes first.

import Arrow
import Engine
import GRPC

extension SQLService {
  /// How long a result that nobody has read waits at least, in nanoseconds: between being told of it and asking for it passes little.
  static let patience: Int64 = 10_000_000_000

  /// Lets go of what can be done without until so many bytes have room: first what can be computed again, then rows that were read
  /// already, then those that have waited longest.
  /// - Parameter isUrgent: takes those that have just come, too.
  func makeRoom(for bytes: Int, isUrgent: Bool = false) {
    results.evict(
      rank: { result, idle in
        switch result.keeping {
        case .nothing, .inUse: nil
        case .run: 0
        case .readRows: 1
        case .rows: idle > SQLService.patience ? 2 : isUrgent ? 3 : nil
        }
      }, drop: { $0.dropKept() }, until: { kept.hasRoom(for: bytes) })
  }

  /// Runs that have stopped because enough of them is there, and whose client does not come: each holds a place to run.
  func dropWaitingRuns() {
    results.evict(
      rank: { result, idle in idle > SQLService.patience && result.keeping == .run ? 0 : nil },
      drop: { $0.dropKept() }, until: { false })
  }

  func noRoom() -> GRPCStatus {
    GRPCStatus(
      .resourceExhausted,
      "what waits for clients takes all of the \(options.keptTotal) bytes that it may (max-kept); read results, or cancel them"
    )
  }

  /// Parameters to be kept until they are bound anew.
  func keep(_ parameters: RecordBatch?) throws(GRPCStatus) -> KeptParameters? {
    guard let parameters else { return nil }
    // Of a few the handle costs as much.
    guard parameters.byteCount > 4096 else { return KeptParameters(rows: parameters) }
    let share = KeptMemory.Share(kept)
    guard share.add(parameters, makeRoom: { makeRoom(for: $0) }) else { throw noRoom() }
    return KeptParameters(rows: parameters, share: share)
  }
}
