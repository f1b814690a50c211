// Framed messages out of memory or a descriptor, one after another.

import Memory

/// Bytes in order, of which pieces are taken.
protocol ByteSource {
  /// How many bytes were taken so far.
  var position: Int { get }
  /// The next `count` bytes, or fewer at the end.
  mutating func take(_ count: Int) throws(DataError) -> Buffer
}

/// Bytes in memory; what is taken is a slice of them.
struct BufferSource: ByteSource {
  let buffer: Buffer
  private(set) var position = 0

  init(_ buffer: Buffer) { self.buffer = buffer }

  mutating func take(_ count: Int) -> Buffer {
    let end = position + min(count, buffer.count - position)
    defer { position = end }
    return buffer.slice(position..<end)
  }
}

/// A descriptor; each piece is read into memory of its own.
struct DescriptorSource: ByteSource {
  private let descriptor: FileDescriptor
  private let budget: MemoryBudget
  /// Bytes that were taken from the descriptor before.
  private var first: Buffer
  private(set) var position = 0

  init(_ descriptor: FileDescriptor, after first: Buffer = .empty, budget: MemoryBudget) {
    self.descriptor = descriptor
    self.first = first
    self.budget = budget
  }

  mutating func take(_ count: Int) throws(DataError) -> Buffer {
    guard count > 0 else { return .empty }
    let memory = try HeapMemory(capacity: count, budget: budget)
    var filled = min(first.count, count)
    memory.base.copyMemory(from: first.base, byteCount: filled)
    first = first.slice(filled..<first.count)
    while filled < count {
      let read = try descriptor.read(
        into: UnsafeMutableRawBufferPointer(start: memory.base + filled, count: count - filled))
      if read == 0 { break }
      filled += read
    }
    position += filled
    return Buffer(owner: memory, base: UnsafeRawPointer(memory.base), count: filled)
  }
}

/// One message as it came, and where.
struct FramedMessage {
  let header: Buffer
  /// Where the header begins.
  let position: Int
}

extension ByteSource {
  /// The next header, or nil at the end of the stream: its end mark, or the end of the bytes.
  ///
  ///     FFFFFFFF length:4 header…   since Arrow 0.15; length 0 ends the stream
  ///     length:4 header…            before
  mutating func nextHeader(limit: Int) throws(DataError) -> FramedMessage? {
    let start = position
    var prefix = try take(4)
    if prefix.count == 0 { return nil }
    if prefix.count == 4, prefix.load(at: 0, as: UInt32.self) == .max { prefix = try take(4) }
    guard prefix.count == 4 else { throw cutOff(start) }
    let length = Int(prefix.load(at: 0, as: Int32.self))
    if length == 0 { return nil }
    guard length > 0, length <= limit else {
      throw DataError(
        .malformed, "a message with \(length) bytes of metadata; not an Arrow stream?", offset: start)
    }
    let place = position
    let header = try take(length)
    guard header.count == length else { throw cutOff(place) }
    return FramedMessage(header: header, position: place)
  }

  /// The body that belongs to the header just taken.
  mutating func nextBody(_ length: Int) throws(DataError) -> Buffer {
    let place = position
    let body = try take(length)
    guard body.count == length else { throw cutOff(place) }
    return body
  }

  private func cutOff(_ place: Int) -> DataError {
    DataError(.malformed, "the data ends inside of a message", offset: place)
  }
}
