// A run of values in computation: dense, of one kind, at most `vectorSize` of them.

import Arrow

/// Values that are computed at once: few enough that a handful of vectors stays in the first-level cache.
let vectorSize = 2048

/// What the values of an expression are, once types are settled.
enum ValueKind: Hashable, Sendable {
  /// Always NULL.
  case null
  case integer
  case real
  case text
  case blob
  /// A date, time or timestamp: ticks that stand for their text.
  case ticks(DataType)

  var isNumeric: Bool { self == .integer || self == .real }
  /// As SQL sees it.
  var isText: Bool {
    switch self {
    case .text, .ticks: true
    default: false
    }
  }
  /// Integers, and times by their ticks.
  var isInteger: Bool {
    switch self {
    case .integer, .ticks: true
    default: false
    }
  }
  /// Whether values are 8-byte numbers and not slices of bytes.
  var isFixed: Bool { self != .text && self != .blob }
}

/// Values that a node made, valid until it is asked again. Null slots hold arbitrary values; slices there are empty.
struct Vector {
  /// Int64, Double, or UnsafeRawBufferPointer.
  var values: UnsafeRawPointer
  /// 1 for each value that is not NULL; nil when none is.
  var valid: UnsafePointer<UInt8>?

  @inline(__always) var integers: UnsafePointer<Int64> { values.assumingMemoryBound(to: Int64.self) }
  @inline(__always) var reals: UnsafePointer<Double> { values.assumingMemoryBound(to: Double.self) }
  @inline(__always) var slices: UnsafePointer<UnsafeRawBufferPointer> {
    values.assumingMemoryBound(to: UnsafeRawBufferPointer.self)
  }

  @inline(__always) func isValid(_ index: Int) -> Bool { valid.map { $0[index] != 0 } ?? true }
}

/// Where a node writes its values.
final class Scratch {
  // SAFETY: both have room for `vectorSize` values of 16 bytes; nodes never handle more at once.
  let values = UnsafeMutableRawPointer.allocate(byteCount: vectorSize * 16, alignment: 64)
  let valid = UnsafeMutablePointer<UInt8>.allocate(capacity: vectorSize)

  init() {
    values.initializeMemory(as: UInt8.self, repeating: 0, count: vectorSize * 16)
    valid.initialize(repeating: 1, count: vectorSize)
  }

  deinit {
    values.deallocate()
    valid.deallocate()
  }

  @inline(__always) var integers: UnsafeMutablePointer<Int64> { values.assumingMemoryBound(to: Int64.self) }
  @inline(__always) var reals: UnsafeMutablePointer<Double> { values.assumingMemoryBound(to: Double.self) }
  @inline(__always) var slices: UnsafeMutablePointer<UnsafeRawBufferPointer> {
    values.assumingMemoryBound(to: UnsafeRawBufferPointer.self)
  }

  func vector(_ valid: UnsafePointer<UInt8>? = nil) -> Vector {
    Vector(values: UnsafeRawPointer(values), valid: valid)
  }

  /// The valid bytes of what depends on two vectors.
  func combine(_ a: UnsafePointer<UInt8>?, _ b: UnsafePointer<UInt8>?, _ count: Int) -> UnsafePointer<UInt8>?
  {
    guard let a else { return b }
    guard let b else { return a }
    for i in 0..<count { valid[i] = a[i] & b[i] }
    return UnsafePointer(valid)
  }

  /// The same, to be written to.
  func writableValid(_ a: UnsafePointer<UInt8>?, _ b: UnsafePointer<UInt8>? = nil, _ count: Int)
    -> UnsafeMutablePointer<UInt8>
  {
    switch (a, b) {
    case (nil, nil): valid.update(repeating: 1, count: count)
    case (let a?, nil), (nil, let a?): if a != UnsafePointer(valid) { valid.update(from: a, count: count) }
    case (let a?, let b?): for i in 0..<count { valid[i] = a[i] & b[i] }
    }
    return valid
  }
}

/// Bytes of computed texts, which live until the node is asked again.
final class ByteArena {
  private var blocks: [UnsafeMutableRawBufferPointer] = []
  private var current = 0
  private var used = 0

  deinit { for block in blocks { block.deallocate() } }

  func reset() {
    current = 0
    used = 0
  }

  func allocate(_ count: Int) -> UnsafeMutableRawPointer {
    while current < blocks.count {
      if blocks[current].count - used >= count {
        defer { used += count }
        return blocks[current].baseAddress! + used
      }
      current += 1
      used = 0
    }
    blocks.append(.allocate(byteCount: max(count, 1 << 16), alignment: 16))
    used = count
    return blocks[current].baseAddress!
  }

  func copy(_ bytes: [UInt8]) -> UnsafeRawBufferPointer {
    let target = allocate(bytes.count)
    bytes.withUnsafeBytes {
      if let base = $0.baseAddress { target.copyMemory(from: base, byteCount: bytes.count) }
    }
    return UnsafeRawBufferPointer(start: target, count: bytes.count)
  }
}
