// The body that a stream has yet to send, as slices of other people's memory.

import Memory

/// A queue of buffers that is taken from in any sizes, without copying.
struct OutgoingBody {
  private var buffers: [Buffer] = []
  private var head = 0
  private var headOffset = 0
  /// Bytes not yet taken.
  private(set) var count = 0

  mutating func append(_ buffer: Buffer) {
    guard buffer.count > 0 else { return }
    buffers.append(buffer)
    count += buffer.count
  }

  /// Moves the next `n` bytes to the end of `list`; there must be that many.
  mutating func move(_ n: Int, to list: GatherList) {
    precondition(n <= count)
    count -= n
    var left = n
    while left > 0 {
      let buffer = buffers[head]
      let available = buffer.count - headOffset
      if available <= left {
        list.append(headOffset == 0 ? buffer : buffer.slice(headOffset..<buffer.count))
        left -= available
        // Released here, not when the queue is next compacted: the list keeps what it needs.
        buffers[head] = .empty
        head += 1
        headOffset = 0
      } else {
        list.append(buffer.slice(headOffset..<headOffset + left))
        headOffset += left
        left = 0
      }
    }
    if count == 0 {
      buffers.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 64 {
      buffers.removeFirst(head)
      head = 0
    }
  }

  mutating func removeAll() { self = OutgoingBody() }
}
