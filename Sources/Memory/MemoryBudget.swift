// How much memory a decoder or a statement may hold at once, counted where it is allocated and where it is freed.

import Synchronization

/// A ceiling on the bytes that a group of allocations may hold at the same time.
public final class MemoryBudget: Sendable {
  public let limit: Int
  private let used = Atomic<Int>(0)
  private let highest = Atomic<Int>(0)

  public init(limit: Int) { self.limit = limit }

  /// Bytes held now.
  public var inUse: Int { used.load(ordering: .relaxed) }

  /// The most bytes that were ever held at once.
  public var peak: Int { highest.load(ordering: .relaxed) }

  public func reserve(_ bytes: Int) throws(DataError) {
    let before = used.wrappingAdd(bytes, ordering: .relaxed).oldValue
    let (now, overflow) = before.addingReportingOverflow(bytes)
    if overflow || now > limit {
      used.wrappingSubtract(bytes, ordering: .relaxed)
      throw DataError(
        .limit, "\(bytes) more bytes would pass the memory limit of \(limit) bytes (\(before) are in use)")
    }
    _ = highest.max(now, ordering: .relaxed)
  }

  public func release(_ bytes: Int) { used.wrappingSubtract(bytes, ordering: .relaxed) }
}
