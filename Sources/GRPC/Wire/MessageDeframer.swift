// From body bytes to messages: five bytes of prefix, then the message, cut anywhere.

import Memory

/// The receiving half of gRPC's framing, as a value without I/O.
///
///     ┌flag┬─length, 4 bytes─┬─message…─┐┌flag┬…
///
/// A message's memory is made when its prefix is complete, of exactly its size; bytes are copied into it once, or land
/// there by themselves when the layer below asks for `destination`.
struct MessageDeframer {
  private let limit: Int
  private var prefix: UInt64 = 0
  private var prefixCount = 0
  private var memory: HeapMemory?
  private var length = 0
  private var filled = 0

  /// - Parameter limit: the largest message, in bytes.
  init(limit: Int) { self.limit = limit }

  /// Whether the bytes so far end inside of a message.
  var isMidMessage: Bool { prefixCount > 0 }

  /// What the message under way may take of real memory beyond the bytes that have come. Large blocks are made of huge pages, so one
  /// byte in a message that is said to be large takes a whole one.
  var memoryAhead: Int {
    guard memory != nil, length >= 1 << 20 else { return 0 }
    return max(0, min(length, 2 << 20) - filled)
  }

  /// Where the rest of the message under way belongs; nil between messages.
  var destination: UnsafeMutableRawBufferPointer? {
    guard let memory, filled < length else { return nil }
    return UnsafeMutableRawBufferPointer(start: memory.base + filled, count: length - filled)
  }

  /// Takes bytes from the front of `bytes` until a message is complete or they are used up.
  /// - Parameter isInPlace: the bytes lie where `destination` said already.
  /// - Returns: a complete message, or nil when more bytes are needed, or before the first byte of a large message.
  mutating func next(_ bytes: inout UnsafeRawBufferPointer, isInPlace: Bool = false) throws(GRPCStatus)
    -> Buffer?
  {
    while prefixCount < 5 {
      guard let byte = bytes.first else { return nil }
      prefix = prefix << 8 | UInt64(byte)
      prefixCount += 1
      bytes = UnsafeRawBufferPointer(rebasing: bytes[1...])
      guard prefixCount == 5 else { continue }
      try begin()
      // Before anything touches it, whoever calls may find that it is too much.
      if memoryAhead > 0 { return nil }
    }
    let n = min(bytes.count, length - filled)
    if n > 0, let memory, let source = bytes.baseAddress {
      // SAFETY: `n` is at most what is left of the message, and the memory has room for all of it.
      if !isInPlace { (memory.base + filled).copyMemory(from: source, byteCount: n) }
      filled += n
      bytes = UnsafeRawBufferPointer(rebasing: bytes[n...])
    }
    guard filled == length else { return nil }
    let message = memory.map { Buffer(owner: $0, base: UnsafeRawPointer($0.base), count: length) } ?? .empty
    memory = nil
    prefix = 0
    prefixCount = 0
    return message
  }

  /// The prefix is complete.
  private mutating func begin() throws(GRPCStatus) {
    let flag = prefix >> 32
    length = Int(prefix & 0xFFFF_FFFF)
    filled = 0
    guard flag == 0 else {
      // Only identity is spoken here (compression.md): columns are compressed one floor up, where it pays, by Arrow's
      // own codecs. An encoding that we do not know was refused with the headers, so none was named.
      throw GRPCStatus(
        .internalError,
        flag == 1
          ? "a message is marked as compressed, and no grpc-encoding was named"
          : "a message with the unknown flag \(flag)")
    }
    guard length <= limit else {
      throw GRPCStatus(
        .resourceExhausted, "a message of \(length) bytes is larger than the limit of \(limit) bytes")
    }
    guard length > 0 else { return }
    do throws(DataError) {
      memory = try HeapMemory(capacity: length)
    } catch {
      throw GRPCStatus(error)
    }
  }
}
