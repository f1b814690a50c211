// The sending half of gRPC's framing: a prefix before somebody else's buffers.

import Memory

enum MessageFraming {
  /// Smaller messages are copied behind their prefix: one small block costs less than two entries of a gather list.
  private static let copyLimit = 512

  /// A message as the buffers to send: its prefix, and the message's own by reference.
  /// - Throws: RESOURCE_EXHAUSTED when it is larger than `limit`.
  static func frame(_ message: [Buffer], limit: Int) throws(GRPCStatus) -> (buffers: [Buffer], bytes: Int) {
    var bytes = 0
    for buffer in message { bytes += buffer.count }
    guard bytes <= min(limit, Int(UInt32.max)) else {
      throw GRPCStatus(
        .resourceExhausted,
        "a message of \(bytes) bytes is larger than the limit of \(limit) bytes for sending")
    }
    let isCopied = bytes <= copyLimit
    let memory: HeapMemory
    do throws(DataError) {
      memory = try HeapMemory(capacity: isCopied ? 5 + bytes : 5)
    } catch {
      throw GRPCStatus(error)
    }
    memory.base.storeBytes(of: 0, as: UInt8.self)
    // SAFETY: the block has at least five bytes, and five and the message's when that is copied.
    (memory.base + 1).storeBytes(of: UInt32(bytes).bigEndian, as: UInt32.self)
    guard isCopied else {
      return ([Buffer(owner: memory, base: memory.base, count: 5)] + message, bytes)
    }
    var end = memory.base + 5
    for buffer in message {
      end.copyMemory(from: buffer.base, byteCount: buffer.count)
      end += buffer.count
    }
    return ([Buffer(owner: memory, base: memory.base, count: 5 + bytes)], bytes)
  }
}
