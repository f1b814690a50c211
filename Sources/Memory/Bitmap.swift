// Bits in Arrow's order (least significant first), at any bit offset: validity and booleans.

/// An immutable run of bits inside a buffer. Slicing copies nothing; the bit offset is always below 8.
@frozen
public struct Bitmap: Sendable {
  public let buffer: Buffer
  /// Where bit 0 is within the first byte, 0 to 7.
  public let offset: Int
  /// How many bits there are.
  public let count: Int

  /// Traps when the buffer is too small; decoders check before.
  @inlinable
  public init(buffer: Buffer, offset: Int = 0, count: Int) {
    precondition(
      offset >= 0 && count >= 0 && count <= buffer.count * 8 - offset, "bitmap outside of its buffer")
    let skipped = offset >> 3
    self.buffer =
      skipped == 0
      ? buffer : Buffer(owner: buffer.owner, base: buffer.base + skipped, count: buffer.count - skipped)
    self.offset = offset & 7
    self.count = count
  }

  @inlinable @inline(__always)
  public subscript(_ index: Int) -> Bool {
    precondition(index >= 0 && index < count)
    return self[unchecked: index]
  }

  /// SAFETY: the caller has checked `0 <= index < count`, which `init` has checked against the buffer.
  @inlinable @inline(__always)
  public subscript(unchecked index: Int) -> Bool {
    let bit = index &+ offset
    return buffer.base.load(fromByteOffset: bit &>> 3, as: UInt8.self) &>> UInt8(truncatingIfNeeded: bit & 7)
      & 1
      != 0
  }

  @inlinable
  public func slice(_ range: Range<Int>) -> Bitmap {
    precondition(range.lowerBound >= 0 && range.upperBound <= count, "slice outside of the bitmap")
    return Bitmap(buffer: buffer, offset: offset + range.lowerBound, count: range.count)
  }

  /// How many 64-bit words `word(_:)` has.
  @inlinable
  public var wordCount: Int { (count &+ 63) &>> 6 }

  /// Bits `64 * index ..< 64 * (index + 1)`, the first of them lowest; those past the end are 0.
  @inlinable @inline(__always)
  public func word(_ index: Int) -> UInt64 {
    precondition(index >= 0 && index < wordCount)
    let first = index &<< 6
    let wanted = min(64, count &- first)
    let start = first &+ offset
    let byte = start &>> 3
    let shift = UInt64(truncatingIfNeeded: start & 7)
    let available = buffer.count &- byte
    var word: UInt64
    if available >= 9 {
      word = buffer.base.loadUnaligned(fromByteOffset: byte, as: UInt64.self) &>> shift
      if shift != 0 {
        let next = UInt64(buffer.base.load(fromByteOffset: byte &+ 8, as: UInt8.self))
        word |= next &<< (64 &- shift)
      }
    } else {
      word = lastWord(at: byte, shift: shift)
    }
    if wanted < 64 { word &= (1 &<< UInt64(truncatingIfNeeded: wanted)) &- 1 }
    return word
  }

  /// The word that begins at a byte within 8 bytes of the buffer's end.
  @usableFromInline
  func lastWord(at byte: Int, shift: UInt64) -> UInt64 {
    var low: UInt64 = 0
    for i in 0..<min(8, buffer.count - byte) {
      low |= UInt64(buffer.base.load(fromByteOffset: byte + i, as: UInt8.self)) << UInt64(8 * i)
    }
    return low >> shift
  }

  /// How many bits are 1.
  public func countOnes() -> Int {
    var ones = 0
    for i in 0..<wordCount { ones &+= word(i).nonzeroBitCount }
    return ones
  }

  /// The same bits from bit offset 0 on, with zeros after the last: what the format wants at the start of a buffer.
  /// Copies only when the bits do not begin at a byte or do not end with the buffer.
  public func aligned() -> Buffer {
    let bytes = (count + 7) >> 3
    if offset == 0 {
      let whole = buffer.slice(0..<bytes)
      let tail = count & 7
      if tail == 0 || whole.load(at: bytes - 1, as: UInt8.self) >> UInt8(tail) == 0 { return whole }
    }
    var copy = GrowableBuffer(capacity: wordCount * 8)
    for i in 0..<wordCount { copy.append(word(i)) }
    return copy.freeze().slice(0..<bytes)
  }

  /// Calls `body` with the place of every 1, in order.
  @inlinable
  public func forEachOne(_ body: (Int) -> Void) {
    for i in 0..<wordCount {
      var rest = word(i)
      while rest != 0 {
        body(i &<< 6 &+ rest.trailingZeroBitCount)
        rest &= rest &- 1
      }
    }
  }
}

/// Bits that are still being appended.
@frozen
public struct GrowableBitmap: ~Copyable, Sendable {
  @usableFromInline var words = GrowableBuffer()
  /// The bits that are not yet a whole word.
  @usableFromInline var pending: UInt64 = 0
  @usableFromInline var length = 0
  @inlinable public var count: Int { length }

  public init() {}

  @inlinable @inline(__always)
  public mutating func append(_ bit: Bool) {
    pending |= (bit ? 1 : 0) &<< UInt64(truncatingIfNeeded: count & 63)
    length &+= 1
    if count & 63 == 0 {
      words.append(pending)
      pending = 0
    }
  }

  /// Appends the lowest `n` bits of a word, 0 to 64; the higher ones must be 0.
  @inlinable
  public mutating func append(word: UInt64, count n: Int) {
    let used = count & 63
    pending |= word &<< UInt64(truncatingIfNeeded: used)
    length &+= n
    if used &+ n >= 64 {
      words.append(pending)
      pending = used == 0 ? 0 : word &>> UInt64(truncatingIfNeeded: 64 &- used)
    }
  }

  public mutating func append(repeating bit: Bool, count n: Int) {
    var left = n
    while left > 0 {
      let step = min(left, 64)
      append(word: bit ? (step == 64 ? ~0 : (1 << UInt64(step)) - 1) : 0, count: step)
      left -= step
    }
  }

  public mutating func append(contentsOf bits: Bitmap) {
    for i in 0..<bits.wordCount { append(word: bits.word(i), count: min(64, bits.count - i << 6)) }
  }

  /// Hands the bits over without copying them; this bitmap is empty afterwards and can be used again.
  public mutating func freeze() -> Bitmap {
    if count & 63 != 0 { words.append(pending) }
    let frozen = Bitmap(buffer: words.freeze(), count: count)
    pending = 0
    length = 0
    return frozen
  }
}
