// Vectors made into columns: what results, groups and sorted rows are kept in.

import Arrow
import Memory

/// Collects one output column, a frame at a time.
final class Collector {
  let type: DataType
  private let node: Node?
  /// The input column that is passed on as it is, when there is no node.
  private let source: Int
  private let builder: ColumnBuilder?
  private(set) var count = 0
  private var nullCount = 0
  @exclusivity(unchecked) private var values = GrowableBuffer()
  @exclusivity(unchecked) private var bytes = GrowableBuffer()
  @exclusivity(unchecked) private var bits = GrowableBitmap()

  private enum Form {
    case i8, i16, i32, i64, f16, f32, f64, bool, text32, text64, built, null
  }
  private let form: Form
  /// The node, where the result is its column as it is stored.
  private let stored: ColumnNode?

  /// - Throws: `NotMine` when values of the node's kind are not made into that type here.
  init(_ node: Node, type: DataType) throws(NotMine) {
    self.node = node
    self.type = type
    source = -1
    switch (node.kind, type) {
    case (.null, .null): form = .null
    case (.integer, .int8), (.integer, .uint8): form = .i8
    case (.integer, .int16), (.integer, .uint16): form = .i16
    case (.integer, .int32), (.integer, .uint32): form = .i32
    case (.integer, .int64), (.integer, .duration): form = .i64
    case (.integer, .bool): form = .bool
    case (.real, .float16): form = .f16
    case (.real, .float32): form = .f32
    case (.real, .float64): form = .f64
    case (.ticks(let a), _) where a == type: form = type.byteWidth == 4 ? .i32 : .i64
    case (.text, .utf8), (.blob, .binary): form = .text32
    case (.text, .largeUtf8), (.blob, .largeBinary): form = .text64
    case (.text, .utf8View), (.blob, .binaryView), (.blob, .fixedSizeBinary), (.text, .dictionary):
      form = .built
    case (.null, .int64): form = .i64
    case (.null, .float64): form = .f64
    case (.null, .utf8), (.null, .binary): form = .text32
    default: throw NotMine("a result of kind \(node.kind) in type \(type)")
    }
    builder = form == .built ? type.makeBuilder() : nil
    switch form {
    case .i8, .i16, .i32, .i64, .f32, .f64:
      let column = node as? ColumnNode
      stored = column?.type == type && type.decimal == nil ? column : nil
    default: stored = nil
    }
    if form == .text32 { values.append(Int32(0)) }
    if form == .text64 { values.append(Int64(0)) }
  }

  /// Passes on values of a type that is not computed with.
  init(column: Int, type: DataType) {
    node = nil
    stored = nil
    source = column
    self.type = type
    form = .built
    builder = type.makeBuilder()
  }

  /// About how many bytes are held.
  var byteCount: Int { values.count + bytes.count + count / 8 + (builder == nil ? 0 : count * 32) }

  func append(_ frame: Frame) throws(QueryError) {
    let n = frame.count
    guard let node else { return try pass(frame) }
    if let stored, try appendStored(stored, frame) { return }
    let vector = try node.evaluate(frame)
    switch form {
    case .null: break
    case .i8: narrow(vector, n, UInt8.self)
    case .i16: narrow(vector, n, UInt16.self)
    case .i32: narrow(vector, n, UInt32.self)
    case .i64, .f64:
      values.append(contentsOf: UnsafeRawBufferPointer(start: vector.values, count: n * 8))
    case .f16:
      values.appendUninitialized(n * 2) { target in
        let target = target.assumingMemoryBound(to: Float16.self)
        for i in 0..<n { target[i] = Float16(vector.reals[i]) }
      }
    case .f32:
      values.appendUninitialized(n * 4) { target in
        let target = target.assumingMemoryBound(to: Float.self)
        for i in 0..<n { target[i] = Float(vector.reals[i]) }
      }
    case .bool: for i in 0..<n { boolBits.append(vector.integers[i] != 0) }
    case .text32, .text64: try appendSlices(vector, n)
    case .built:
      for i in 0..<n {
        if vector.isValid(i) {
          try data { () throws(DataError) in
            try builder!.append(bytes: RawSpan(_unsafeBytes: vector.slices[i]))
          }
        } else {
          builder!.appendNull()
        }
      }
      count += n
      return
    }
    appendValidity(vector.valid, n)
    count += n
  }

  @exclusivity(unchecked) private var boolBits = GrowableBitmap()

  /// Gathers values in their own width, without a vector in between; false for a run, which is copied as a whole.
  private func appendStored(_ column: ColumnNode, _ frame: Frame) throws(QueryError) -> Bool {
    guard let stored = try column.storedRows(frame) else { return false }
    let n = frame.count
    let hasNaN =
      switch form {
      case .i8: gather(stored, n, UInt8.self) { _ in false }
      case .i16: gather(stored, n, UInt16.self) { _ in false }
      case .i32: gather(stored, n, UInt32.self) { _ in false }
      case .f32: gather(stored, n, Float.self) { $0 != $0 }
      case .f64: gather(stored, n, Double.self) { $0 != $0 }
      default: gather(stored, n, UInt64.self) { _ in false }
      }
    appendValidity(hasNaN && stored.mayBeNaN ? try column.evaluate(frame).valid : stored.valid, n)
    count += n
    return true
  }

  /// Whether a value `isNaN`.
  @inline(__always)
  private func gather<T: BitwiseCopyable>(
    _ stored: ColumnNode.StoredRows, _ n: Int, _: T.Type, _ isNaN: (T) -> Bool
  ) -> Bool {
    let (base, rows) = (stored.base, stored.rows)
    var nans = 0
    values.appendUninitialized(n * MemoryLayout<T>.stride) { target in
      let target = target.assumingMemoryBound(to: T.self)
      for i in 0..<n {
        let value = load(base, Int(rows[i]), as: T.self)
        target[i] = value
        nans &+= isNaN(value) ? 1 : 0
      }
    }
    return nans > 0
  }

  private func narrow<T: FixedWidthInteger & BitwiseCopyable>(_ vector: Vector, _ n: Int, _: T.Type) {
    let source = vector.integers
    values.appendUninitialized(n * MemoryLayout<T>.stride) { target in
      let target = target.assumingMemoryBound(to: T.self)
      for i in 0..<n { target[i] = T(truncatingIfNeeded: source[i]) }
    }
  }

  private func appendSlices(_ vector: Vector, _ n: Int) throws(QueryError) {
    let slices = vector.slices
    var total = 0
    if let valid = vector.valid {
      for i in 0..<n where valid[i] != 0 { total &+= slices[i].count }
    } else {
      for i in 0..<n { total &+= slices[i].count }
    }
    if form == .text32, bytes.count + total > Int(Int32.max) {
      throw QueryError(.memory, "more than 2 GiB of text in one column of a batch")
    }
    if form == .text32 {
      copy(slices, vector.valid, n, total, Int32.self)
    } else {
      copy(slices, vector.valid, n, total, Int64.self)
    }
  }

  /// Appends the bytes of `n` values, `total` in all, and where each ends.
  @inline(__always)
  private func copy<Offset: FixedWidthInteger & BitwiseCopyable>(
    _ slices: UnsafePointer<UnsafeRawBufferPointer>, _ valid: UnsafePointer<UInt8>?, _ n: Int, _ total: Int,
    _: Offset.Type
  ) {
    var end = bytes.count
    values.appendUninitialized(n * MemoryLayout<Offset>.stride) { offsets in
      let offsets = offsets.assumingMemoryBound(to: Offset.self)
      bytes.appendUninitialized(total) { target in
        var place = target
        if let valid {
          for i in 0..<n {
            if valid[i] != 0, let base = slices[i].baseAddress {
              copyShort(base, place, slices[i].count)
              place += slices[i].count
              end &+= slices[i].count
            }
            offsets[i] = Offset(truncatingIfNeeded: end)
          }
        } else {
          for i in 0..<n {
            let slice = slices[i]
            if let base = slice.baseAddress { copyShort(base, place, slice.count) }
            place += slice.count
            end &+= slice.count
            offsets[i] = Offset(truncatingIfNeeded: end)
          }
        }
      }
    }
  }

  private func appendValidity(_ valid: UnsafePointer<UInt8>?, _ n: Int) {
    guard let valid else {
      if nullCount > 0 { bits.append(repeating: true, count: n) }
      return
    }
    var ones = 0
    for i in 0..<n { ones &+= Int(valid[i]) }
    if ones == n {
      if nullCount > 0 { bits.append(repeating: true, count: n) }
      return
    }
    if nullCount == 0 { bits.append(repeating: true, count: count) }
    nullCount += n - ones
    var place = 0
    while place < n {
      let step = min(64, n - place)
      var word: UInt64 = 0
      for i in 0..<step { word |= UInt64(valid[place &+ i]) &<< UInt64(i) }
      bits.append(word: word, count: step)
      place += step
    }
  }

  private func pass(_ frame: Frame) throws(QueryError) {
    let frame = frame.part(source)
    let column = try frame.block!.column(source)
    let n = frame.count
    try data { () throws(DataError) in
      if frame.isRun { return try builder!.append(column, rows: frame.first..<frame.first + n) }
      var start = 0
      while start < n {
        var end = start + 1
        while end < n, frame.row(end) == frame.row(end - 1) + 1 { end += 1 }
        try builder!.append(column, rows: frame.row(start)..<frame.row(end - 1) + 1)
        start = end
      }
    }
    count += n
  }

  func finish() throws(QueryError) -> Column {
    defer {
      count = 0
      nullCount = 0
    }
    if let builder { return builder.finish() }
    let validity = nullCount > 0 ? bits.freeze() : nil
    let layout: Layout
    switch form {
    case .null: layout = .null
    case .bool: layout = .bits(boolBits.freeze())
    case .text32, .text64:
      layout = .variable(offsets: values.freeze(), bytes: bytes.freeze())
      if form == .text32 { values.append(Int32(0)) } else { values.append(Int64(0)) }
    default: layout = .fixed(values.freeze())
    }
    return try data { () throws(DataError) in
      try Column(
        type: type, count: count, validity: type.hasValidity ? validity : nil,
        nullCount: type.hasValidity ? nullCount : nil, layout: layout, trusted: true)
    }
  }
}

/// Copies without a call where there are few bytes; the target has room for 16 more than it needs.
@inline(__always)
private func copyShort(_ source: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ count: Int) {
  if count <= 16, count >= 8 {
    // The first eight bytes and the last eight, which may overlap.
    target.storeBytes(of: source.loadUnaligned(as: UInt64.self), as: UInt64.self)
    (target + (count &- 8)).storeBytes(
      of: (source + (count &- 8)).loadUnaligned(as: UInt64.self), as: UInt64.self)
  } else if count < 8 {
    for i in 0..<count {
      target.storeBytes(of: source.load(fromByteOffset: i, as: UInt8.self), toByteOffset: i, as: UInt8.self)
    }
  } else {
    target.copyMemory(from: source, byteCount: count)
  }
}
