// Where in the incoming frames we are: told by the nine bytes before each, without looking inside.

/// Follows frame boundaries through bytes that come in any pieces.
///
/// nghttp2 says nothing of frames that it ignores (on closed streams, of unknown type), and nothing of frames that are
/// under way. The flood limits must count the first, and reading straight into a body needs the second.
struct FrameTracker {
  /// Bytes of the client's connection preface still to come.
  private var prefaceLeft: Int
  private var header: UInt64 = 0
  private var headerCount = 0
  private(set) var type: UInt8 = 0
  private(set) var flags: UInt8 = 0
  private(set) var stream: Int32 = 0
  /// The payload's bytes still to come.
  private(set) var payloadLeft = 0

  /// - Parameter isServer: whether the peer begins with the 24 bytes of the client's preface.
  init(isServer: Bool) { prefaceLeft = isServer ? 24 : 0 }

  /// The stream and the payload bytes to come of the unpadded DATA frame that is under way, if one is.
  var dataUnderWay: (stream: Int32, count: Int)? {
    guard type == FloodLimit.FrameType.data, payloadLeft > 0, flags & 8 == 0 else { return nil }
    return (stream, payloadLeft)
  }

  /// What `advance` tells.
  enum Step {
    case began(type: UInt8, flags: UInt8, length: Int)
    case payload(Int)
    case ended(type: UInt8, flags: UInt8)
  }

  mutating func advance(_ bytes: UnsafeRawBufferPointer, _ tell: (Step) -> Void) {
    var i = min(prefaceLeft, bytes.count)
    prefaceLeft -= i
    while i < bytes.count {
      if payloadLeft > 0 {
        let n = min(payloadLeft, bytes.count - i)
        payloadLeft -= n
        i += n
        tell(.payload(n))
        if payloadLeft == 0 { tell(.ended(type: type, flags: flags)) }
        continue
      }
      // length (24 bits), type, flags, reserved bit, stream (31 bits): the last byte read is the stream's lowest.
      let low = UInt64(bytes[i])
      i += 1
      headerCount += 1
      guard headerCount == 9 else {
        header = header << 8 | low
        continue
      }
      headerCount = 0
      payloadLeft = Int(truncatingIfNeeded: header >> 40)
      type = UInt8(truncatingIfNeeded: header >> 32)
      flags = UInt8(truncatingIfNeeded: header >> 24)
      stream = Int32(truncatingIfNeeded: (header << 8 | low) & 0x7fff_ffff)
      header = 0
      tell(.began(type: type, flags: flags, length: payloadLeft))
      if payloadLeft == 0 { tell(.ended(type: type, flags: flags)) }
    }
  }
}
