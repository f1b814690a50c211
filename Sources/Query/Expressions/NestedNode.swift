// Nested columns as SQL sees them: the JSON of their values.

import Arrow
import Memory

/// The text of a list, struct, map, union or interval.
final class NestedNode: Node {
  /// What the texts of a frame may take, in bytes.
  private static let limit = 64 << 20
  private let index: Int
  private let scratch = Scratch()
  private let arena = ByteArena()

  init(_ index: Int) {
    self.index = index
    super.init(.text)
  }

  override func evaluate(_ frame: Frame) throws(QueryError) -> Vector {
    let frame = frame.part(index)
    let block = frame.block!
    // Nested values go by offsets within offsets: none are followed in a file that was written to.
    try block.checkUnchanged()
    let column = try block.column(index)
    arena.reset()
    var bytes = 0
    var text: [UInt8] = []
    for i in 0..<frame.count {
      let row = frame.row(i)
      if column.isNullValue(row) {
        scratch.valid[i] = 0
        scratch.slices[i] = UnsafeRawBufferPointer(start: nil, count: 0)
        continue
      }
      text.removeAll(keepingCapacity: true)
      column.appendJSON(at: row, to: &text, limit: NestedNode.limit)
      bytes += text.count
      if bytes >= NestedNode.limit { throw QueryError(.leftToSQLite, "texts are very long") }
      scratch.valid[i] = 1
      scratch.slices[i] = arena.copy(text)
    }
    return scratch.vector(UnsafePointer(scratch.valid))
  }
}

/// A field of a struct column, as SQLite's `->>` takes it out of the JSON: texts end at a NUL.
final class FieldNode: Node {
  private let index: Int
  private let places: [Int]
  private let field: ColumnNode
  private let inner = Frame()
  private let scratch = Scratch()
  private var blockNumber = -1
  /// The structs on the way to the field.
  private var structs: [Column] = []

  /// - Parameter places: which field of the struct, and then of the struct in it.
  init(_ index: Int, _ places: [Int], _ type: DataType) {
    self.index = index
    self.places = places
    field = ColumnNode(0, type)
    super.init(field.kind)
  }

  override func evaluate(_ frame: Frame) throws(QueryError) -> Vector {
    let frame = frame.part(index)
    if blockNumber != frame.blockNumber { try enter(frame) }
    let n = frame.count
    if frame.isRun {
      inner.select(frame.first..<frame.first + n)
    } else {
      inner.select(frame.rows, count: n)
    }
    var vector = try field.evaluate(inner)
    for column in structs where column.nullCount > 0 {
      let valid = scratch.writableValid(vector.valid, nil, n)
      for i in 0..<n where column.isNull(frame.row(i)) { valid[i] = 0 }
      vector.valid = UnsafePointer(valid)
    }
    if kind != .text { return vector }
    let (source, target) = (vector.slices, scratch.slices)
    for i in 0..<n {
      target[i] = UnsafeRawBufferPointer(start: nil, count: 0)
      guard vector.isValid(i) else { continue }
      let text = source[i]
      if text.contains(where: { $0 == 0 || $0 >= 0x80 }) {
        // JSON has another text for bytes that are no UTF-8.
        guard UTF8Check.isValid(RawSpan(_unsafeBytes: text)) else {
          throw QueryError(.leftToSQLite, "a text is no UTF-8")
        }
        target[i] = UnsafeRawBufferPointer(rebasing: text[..<(text.firstIndex(of: 0) ?? text.count)])
      } else {
        target[i] = text
      }
    }
    return scratch.vector(vector.valid)
  }

  private func enter(_ frame: Frame) throws(QueryError) {
    let block = frame.block!
    var column = try block.column(index)
    structs = []
    for place in places {
      structs.append(column)
      column = column.children[place]
    }
    inner.enter(Block(origin: .column(0, column), rows: block.rows, tombstones: nil))
    blockNumber = frame.blockNumber
  }
}

extension DataType {
  /// Whether SQL sees JSON.
  var isJSON: Bool {
    switch self {
    case .list, .largeList, .listView, .largeListView, .fixedSizeList, .structure, .map, .union, .interval:
      true
    default: false
    }
  }
}
