// What results and parameters that wait for their clients may take, all together.

import Arrow
import Memory
import Synchronization

/// Memory that is kept for clients.
final class KeptMemory: Sendable {
  let limit: Int
  private let used = Mutex(0)

  init(limit: Int) { self.limit = limit }

  var usedBytes: Int { used.withLock { $0 } }

  func hasRoom(for bytes: Int) -> Bool { used.withLock { $0 + bytes <= limit } }

  /// A client's share of it, nothing at first; given back when whoever holds it lets go.
  final class Share: Sendable {
    private struct State {
      var bytes = 0
      /// What is counted already: batches that were cut from one another share their memory.
      var owners: Set<ObjectIdentifier> = []
    }

    private let memory: KeptMemory
    private let state = Mutex(State())

    init(_ memory: KeptMemory) { self.memory = memory }

    deinit {
      let bytes = bytes
      memory.used.withLock { $0 -= bytes }
    }

    var bytes: Int { state.withLock { $0.bytes } }

    /// Takes what a batch holds; the batch has to be kept for as long as the share.
    /// - Parameters:
    ///   - isForced: takes it even where there is no room.
    ///   - makeRoom: called once where so many bytes have none.
    func add(_ batch: RecordBatch, isForced: Bool = false, makeRoom: (Int) -> Void) -> Bool {
      let (wanted, owners) = uncounted(batch)
      if !take(wanted, isForced: false) {
        makeRoom(wanted)
        guard take(wanted, isForced: isForced) else { return false }
      }
      state.withLock { state in
        state.bytes += wanted
        state.owners.formUnion(owners)
      }
      return true
    }

    private func take(_ bytes: Int, isForced: Bool) -> Bool {
      memory.used.withLock { used in
        guard isForced || used + bytes <= memory.limit else { return false }
        used += bytes
        return true
      }
    }

    /// What a batch holds of the heap and is not counted yet. What is mapped from files, the system takes back when it needs memory.
    private func uncounted(_ batch: RecordBatch) -> (bytes: Int, owners: Set<ObjectIdentifier>) {
      let counted = state.withLock { $0.owners }
      var bytes = 0
      var owners: Set<ObjectIdentifier> = []
      for column in batch.columns {
        column.forEachBuffer { buffer in
          guard let owner = buffer.owner as? HeapMemory else { return }
          let identity = ObjectIdentifier(owner)
          if !counted.contains(identity), owners.insert(identity).inserted { bytes += owner.capacity }
        }
      }
      return (bytes, owners)
    }
  }
}

/// Rows that are kept, with their share of the memory.
struct KeptRows: Sendable {
  var batches: [RecordBatch]
  var share: KeptMemory.Share?
}

/// Parameters that are bound, with theirs; nil for few.
struct KeptParameters: Sendable {
  var rows: RecordBatch
  var share: KeptMemory.Share?
}

extension Column {
  /// Calls `body` with every buffer of this column and its children.
  fileprivate func forEachBuffer(_ body: (Buffer) -> Void) {
    if let validity { body(validity.buffer) }
    switch layout {
    case .null: break
    case .bits(let bits): body(bits.buffer)
    case .fixed(let values): body(values)
    case .variable(let offsets, let bytes):
      body(offsets)
      body(bytes)
    case .views(let views, let data):
      body(views)
      data.forEach(body)
    case .list(let offsets, let child):
      body(offsets)
      child.forEachBuffer(body)
    case .listView(let offsets, let sizes, let child):
      body(offsets)
      body(sizes)
      child.forEachBuffer(body)
    case .fixedList(let child): child.forEachBuffer(body)
    case .structure(let children): for child in children { child.forEachBuffer(body) }
    case .union(let ids, let offsets, let children):
      body(ids)
      offsets.map(body)
      for child in children { child.forEachBuffer(body) }
    case .dictionary(let indices, let values):
      body(indices)
      values.forEachBuffer(body)
    case .runs(let ends, let values, _):
      ends.forEachBuffer(body)
      values.forEachBuffer(body)
    }
  }
}
