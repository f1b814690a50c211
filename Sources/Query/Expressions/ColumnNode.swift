// Columns as vectors: widened, gathered, and with SQL's NULL for NaN.

import Arrow
import Kernels
import Memory

extension DataType {
  /// What a column of this type is in computation; nil for types that are only passed on.
  var vectorKind: ValueKind? {
    switch self {
    case .null: .null
    case .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .duration: .integer
    case .float16, .float32, .float64: .real
    case .utf8, .largeUtf8, .utf8View: .text
    case .binary, .largeBinary, .binaryView, .fixedSizeBinary: .blob
    case .date32, .date64, .time32, .time64, .timestamp: .ticks(self)
    // As `Tables.ColumnReader` reads them: up to 15 digits a real tells which decimal it was.
    case .decimal32(let precision, let scale), .decimal64(let precision, let scale),
      .decimal128(let precision, let scale), .decimal256(let precision, let scale):
      scale > 0 && precision <= 15 ? .real : scale == 0 && precision <= 18 ? .integer : nil
    case .dictionary(_, let values, _):
      switch values {
      case .utf8, .largeUtf8, .utf8View: .text
      default: nil
      }
    default: nil
    }
  }

  /// Whether a result of this type is copied as it is stored, because vectors do not lead back to it.
  var isPassedOn: Bool { vectorKind == nil || layoutKind == .dictionary || decimal != nil }
}

/// A column of the block. One for each column and worker, because it keeps what it has loaded for a selection.
final class ColumnNode: Node {
  let index: Int
  let type: DataType
  /// Not made before it is needed: columns that are only passed on need none.
  private lazy var scratch = Scratch()
  private var column: Column?
  private var blockNumber = -1
  private var generation = -1
  private var loaded = Vector(values: UnsafeRawPointer(bitPattern: 8)!, valid: nil)
  private var bytes: ByteValues?
  private var texts: TextReader?
  /// The column as codes, where the query has them.
  let coded: CodedColumn?
  /// The entries of a dictionary's values.
  private var entries: ByteValues?
  /// Whether the block may have NaN.
  private var mayBeNaN = true
  private var base = UnsafeRawPointer(bitPattern: 8)!
  /// The rows that all have a value, by the frame and its selection.
  private var presentFrame: ObjectIdentifier?
  private var presentSelection = -1

  init(_ index: Int, _ type: DataType, coded: CodedColumn? = nil) {
    self.coded = coded
    self.index = index
    self.type = type
    super.init(type.vectorKind!)
  }

  private func enter(_ frame: Frame) throws(QueryError) -> Column {
    if blockNumber == frame.blockNumber, let column { return column }
    let column = try frame.block!.column(index)
    guard column.type == type else {
      throw QueryError(.schemaChanged, "a column is \(column.type), where \(type) was planned for")
    }
    self.column = column
    blockNumber = frame.blockNumber
    if kind == .real { mayBeNaN = type.decimal == nil && frame.block!.knownStatistics(index)?.nanCount != 0 }
    if case .fixed(let buffer) = column.layout { base = buffer.base }
    if case .dictionary(let indices, let values) = column.layout {
      base = indices.base
      entries = ByteValues(values)
    } else {
      bytes = ByteValues(column)
      texts = TextReader(column)
    }
    return column
  }

  override func evaluate(_ frame: Frame) throws(QueryError) -> Vector {
    let frame = frame.part(index)
    if generation == frame.generation { return loaded }
    let column = try enter(frame)
    var valid = loadValidity(column, frame)
    var values = UnsafeRawPointer(scratch.values)
    switch type {
    case .null: break
    case .bool:
      if case .bits(let bits) = column.layout {
        gather(frame) { bits[unchecked: $0] ? 1 : 0 }
      }
    case .int8: widen(frame, Int8.self)
    case .int16: widen(frame, Int16.self)
    case .int32, .date32, .time32: widen(frame, Int32.self)
    case .uint8: widen(frame, UInt8.self)
    case .uint16: widen(frame, UInt16.self)
    case .uint32: widen(frame, UInt32.self)
    case .float16: reals(frame) { Double(load($0, $1, as: Float16.self)) }
    case .float32: reals(frame) { Double(load($0, $1, as: Float.self)) }
    case .float64:
      if frame.isRun, UInt(bitPattern: base) & 7 == 0 {
        values = base + frame.first &* 8
      } else {
        reals(frame) { load($0, $1, as: Double.self) }
      }
    case .decimal32, .decimal64, .decimal128, .decimal256: decimals(frame)
    case .int64, .duration, .date64, .time64, .timestamp:
      if frame.isRun, UInt(bitPattern: base) & 7 == 0 {
        values = base + frame.first &* 8
      } else {
        let base = base
        gather(frame) { load(base, $0, as: Int64.self) }
      }
    case .dictionary(let indexType, _, _): valid = dictionary(column, indexType, frame, valid)
    default: slices(frame)
    }
    if kind == .real, mayBeNaN, !isPresent(frame) {
      valid = withoutNaN(values.assumingMemoryBound(to: Double.self), valid, frame.count)
    }
    loaded = Vector(values: values, valid: valid)
    generation = frame.generation
    return loaded
  }

  /// Which rows are not NULL, without the values where that can be told.
  override func validity(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8>? {
    let part = frame.part(index)
    if generation == part.generation { return loaded.valid }
    let column = try enter(part)
    // NaN is NULL, and so is what an entry of a dictionary may be.
    if (kind == .real && mayBeNaN && !isPresent(part)) || type.layoutKind == .dictionary {
      return try evaluate(frame).valid
    }
    return loadValidity(column, part)
  }

  /// The values as they are stored, which rows are not NULL, and the frame that has the rows.
  func stored(_ frame: Frame) throws(QueryError) -> (
    base: UnsafeRawPointer, valid: UnsafePointer<UInt8>?, frame: Frame
  ) {
    let frame = frame.part(index)
    let column = try enter(frame)
    return (base, generation == frame.generation ? loaded.valid : loadValidity(column, frame), frame)
  }

  /// Values as they are stored, and which of them a frame has. Null slots have values, too.
  struct StoredRows {
    let base: UnsafeRawPointer
    let rows: UnsafePointer<UInt32>
    /// Which rows are not NULL, if none of them is NaN, which is NULL, too.
    let valid: UnsafePointer<UInt8>?
    let mayBeNaN: Bool
  }

  /// Where the values of a frame are stored; nil for a run, and where they are no array of numbers.
  func storedRows(_ frame: Frame) throws(QueryError) -> StoredRows? {
    let part = frame.part(index)
    guard !part.isRun, generation != part.generation else { return nil }
    let column = try enter(part)
    guard case .fixed = column.layout else { return nil }
    return StoredRows(
      base: base, rows: part.rows, valid: loadValidity(column, part), mayBeNaN: kind == .real && mayBeNaN)
  }

  /// Keeps the rows that have a value, of rows for which a comparison of it holds, which NaN is not among. Nobody asks for their
  /// validity again.
  func keepPresent(_ frame: Frame) throws(QueryError) {
    let column = try enter(frame)
    if frame.count > 0, let bits = column.validity {
      if frame.isRun {
        let valid = scratch.valid
        expand(bits, frame.first, frame.count, valid)
        for i in 0..<frame.count { valid[i] &+= valid[i] }
        generation = -1
        frame.keep(valid)
      } else {
        frame.keep(bits)
      }
    }
    presentFrame = ObjectIdentifier(frame)
    presentSelection = frame.selection
  }

  @inline(__always)
  private func isPresent(_ frame: Frame) -> Bool {
    presentSelection == frame.selection && presentFrame == ObjectIdentifier(frame)
  }

  /// Where the values of the frame's rows, a run, are stored; nil where they are no array of numbers, or its rows in a join no run.
  func storedRun(_ frame: Frame) throws(QueryError) -> UnsafeRawPointer? {
    let frame = frame.part(index)
    guard frame.isRun else { return nil }
    let column = try enter(frame)
    guard case .fixed = column.layout, let width = type.byteWidth else { return nil }
    return base + frame.first &* width
  }

  /// The codes of the frame's rows, a run, before `map` is applied to them, and the segment that they are of; nil when the block has none.
  func storedCodes(_ frame: Frame) throws(QueryError) -> (
    raw: UnsafeRawPointer, map: [UInt32], segment: ObjectIdentifier
  )? {
    let frame = frame.part(index)
    guard frame.isRun else { return nil }
    let column = try enter(frame)
    let block = frame.block!
    guard case .segment(let segment, _, _) = block.origin, let (raw, _, map) = coded!.codes(block, column)
    else { return nil }
    return (raw + (frame.first &- block.whole.lowerBound) &* 2, map, ObjectIdentifier(segment))
  }

  /// Hands over the code of each row, which is below `coded.count`; false when the block has none.
  @inline(__always)
  func forEachCode(_ frame: Frame, _ body: (Int, Int) -> Void) throws(QueryError) {
    let frame = frame.part(index)
    let column = try enter(frame)
    let block = frame.block!
    let n = frame.count
    if let (raw, _, map) = coded!.codes(block, column) {
      let base = block.whole.lowerBound
      map.withUnsafeBufferPointer { map in
        // SAFETY: codes are below the count of their segment's entries, which the map is as long as.
        if frame.isRun {
          let first = frame.first &- base
          for i in 0..<n { body(i, Int(map[Int(load(raw, first &+ i, as: UInt16.self))])) }
        } else {
          let rows = frame.rows
          for i in 0..<n { body(i, Int(map[Int(load(raw, Int(rows[i]) &- base, as: UInt16.self))])) }
        }
      }
    } else if let codes = coded!.batchCodes(column) {
      for i in 0..<n { body(i, Int(codes[frame.row(i)])) }
    } else {
      throw QueryError(.schemaChanged, "a column has no codes")
    }
  }

  // MARK: Loading

  private func loadValidity(_ column: Column, _ frame: Frame) -> UnsafePointer<UInt8>? {
    let valid = scratch.valid
    let n = frame.count
    if case .null = column.layout {
      valid.update(repeating: 0, count: n)
      return UnsafePointer(valid)
    }
    guard let bits = column.validity, !isPresent(frame) else { return nil }
    if frame.isRun {
      expand(bits, frame.first, n, valid)
    } else {
      let rows = frame.rows
      for i in 0..<n { valid[i] = bits[unchecked: Int(rows[i])] ? 1 : 0 }
    }
    return UnsafePointer(valid)
  }

  @inline(__always)
  private func gather(_ frame: Frame, _ value: (Int) -> Int64) {
    let target = scratch.integers
    let n = frame.count
    if frame.isRun {
      let first = frame.first
      for i in 0..<n { target[i] = value(first &+ i) }
    } else {
      let rows = frame.rows
      for i in 0..<n { target[i] = value(Int(rows[i])) }
    }
  }

  @inline(__always)
  private func widen<T: FixedWidthInteger & BitwiseCopyable>(_ frame: Frame, _: T.Type) {
    let base = base
    gather(frame) { Int64(truncatingIfNeeded: load(base, $0, as: T.self)) }
  }

  @inline(__always)
  private func reals(_ frame: Frame, _ value: (UnsafeRawPointer, Int) -> Double) {
    let target = scratch.reals
    let base = base
    let n = frame.count
    if frame.isRun {
      let first = frame.first
      for i in 0..<n { target[i] = value(base, first &+ i) }
    } else {
      let rows = frame.rows
      for i in 0..<n { target[i] = value(base, Int(rows[i])) }
    }
  }

  /// Unscaled values fit into their lowest eight bytes, and quotients of exact numbers are rounded correctly.
  private func decimals(_ frame: Frame) {
    let (_, scale, width) = type.decimal!
    let base = base
    let value: (Int) -> Int64 = { row in
      width == 4
        ? Int64(load(base, row, as: Int32.self))
        : base.loadUnaligned(fromByteOffset: row &* width, as: Int64.self)
    }
    guard kind == .real else { return gather(frame, value) }
    var divisor = 1.0
    for _ in 0..<scale { divisor *= 10 }
    let target = scratch.reals
    for i in 0..<frame.count { target[i] = Double(value(frame.row(i))) / divisor }
  }

  private func withoutNaN(_ values: UnsafePointer<Double>, _ valid: UnsafePointer<UInt8>?, _ n: Int)
    -> UnsafePointer<UInt8>?
  {
    var nans = 0
    for i in 0..<n { nans &+= values[i] == values[i] ? 0 : 1 }
    if nans == 0 { return valid }
    let target = scratch.valid
    if valid == nil { target.update(repeating: 1, count: n) }
    for i in 0..<n where values[i] != values[i] { target[i] = 0 }
    return UnsafePointer(target)
  }

  private func slices(_ frame: Frame) {
    guard let bytes else { return }
    let target = scratch.slices
    let n = frame.count
    // The views of null slots may point anywhere.
    if case .views = column!.layout {
      for i in 0..<n {
        let row = frame.row(i)
        target[i] = column!.isNull(row) ? UnsafeRawBufferPointer(start: nil, count: 0) : bytes[row]
      }
      return
    }
    if let texts {
      if frame.isRun {
        let first = frame.first
        for i in 0..<n { target[i] = texts[first &+ i] }
      } else {
        let rows = frame.rows
        for i in 0..<n { target[i] = texts[Int(rows[i])] }
      }
    } else if frame.isRun {
      let first = frame.first
      for i in 0..<n { target[i] = bytes[first &+ i] }
    } else {
      let rows = frame.rows
      for i in 0..<n { target[i] = bytes[Int(rows[i])] }
    }
  }

  private func dictionary(
    _ column: Column, _ indexType: IntegerType, _ frame: Frame, _ valid: UnsafePointer<UInt8>?
  ) -> UnsafePointer<UInt8>? {
    guard case .dictionary(_, let values) = column.layout, let entries else { return valid }
    let target = scratch.slices
    let n = frame.count
    let newValid = scratch.writableValid(valid, nil, n)
    let base = base
    for i in 0..<n {
      // Indices of null slots need not be in bounds.
      guard newValid[i] != 0 else {
        target[i] = UnsafeRawBufferPointer(start: nil, count: 0)
        continue
      }
      let row = frame.row(i)
      let entry = indexType.load(base, row)
      if values.isNull(entry) {
        newValid[i] = 0
        target[i] = UnsafeRawBufferPointer(start: nil, count: 0)
      } else {
        target[i] = entries[entry]
      }
    }
    return UnsafePointer(newValid)
  }
}
