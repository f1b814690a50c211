// GetSqlInfo's result: codes, and a dense union of six kinds of value.

import Arrow
import Memory

extension SqlInfo {
  static let unionType = DataType.union(
    .dense,
    fields: [
      Field("string_value", .utf8, isNullable: false), Field("bool_value", .bool, isNullable: false),
      Field("bigint_value", .int64, isNullable: false), Field("int32_bitmask", .int32, isNullable: false),
      Field("string_list", .list(Field("item", .utf8)), isNullable: false),
      Field("int32_to_int32_list_map", mapType, isNullable: false),
    ], ids: [0, 1, 2, 3, 4, 5])

  private static let mapType = DataType.map(
    entries: Field(
      "entries",
      .structure([
        Field("key", .int32, isNullable: false), Field("value", .list(Field("item", .int32))),
      ]), isNullable: false), keysSorted: false)

  /// As the specification has it.
  public static let schema = Schema([
    Field("info_name", .uint32, isNullable: false), Field("value", unionType, isNullable: false),
  ])

  /// The values in the order of their codes.
  public func batch() throws(DataError) -> RecordBatch {
    let codes = FixedBuilder<UInt32>(type: .uint32)
    let union = UnionBuilder(type: SqlInfo.unionType)
    for (code, value) in values.sorted(by: { $0.key < $1.key }) {
      codes.append(code)
      union.closeValue(child: try SqlInfo.append(value, to: union))
    }
    return try RecordBatch(schema: SqlInfo.schema, columns: [codes.finish(), union.finish()])
  }

  /// Appends to the child of the value's kind and returns its index.
  private static func append(_ value: SqlInfoValue, to union: UnionBuilder) throws(DataError) -> Int {
    switch value {
    case .string(let text):
      try (union.children[0] as! BinaryBuilder<Int32>).append(text)
      return 0
    case .bool(let truth):
      (union.children[1] as! BooleanBuilder).append(truth)
      return 1
    case .int64(let number):
      (union.children[2] as! FixedBuilder<UInt64>).append(UInt64(bitPattern: number))
      return 2
    case .int32(let number):
      (union.children[3] as! FixedBuilder<UInt32>).append(UInt32(bitPattern: number))
      return 3
    case .strings(let texts):
      let list = union.children[4] as! ListBuilder<Int32>
      for text in texts { try (list.child as! BinaryBuilder<Int32>).append(text) }
      try list.closeList()
      return 4
    case .lists(let lists):
      let map = union.children[5] as! ListBuilder<Int32>
      let entries = map.child as! StructBuilder
      for (key, items) in lists.sorted(by: { $0.key < $1.key }) {
        (entries.children[0] as! FixedBuilder<UInt32>).append(UInt32(bitPattern: key))
        let list = entries.children[1] as! ListBuilder<Int32>
        for item in items { (list.child as! FixedBuilder<UInt32>).append(UInt32(bitPattern: item)) }
        try list.closeList()
        entries.closeStruct()
      }
      try map.closeList()
      return 5
    }
  }

  /// Adds the values of a batch that some server sent. Kinds of value that are not the specification's are passed over, as
  /// are nulls.
  /// - Throws: `.malformed` when the columns are others.
  public mutating func add(_ batch: RecordBatch) throws(DataError) {
    guard batch.columns.count == 2, batch.columns[0].type == .uint32,
      case .union(_, _, let children) = batch.columns[1].layout
    else { throw DataError(.malformed, "the result of GetSqlInfo is not of the specification's columns") }
    try batch.check(.full)
    let (codes, union) = (batch.columns[0], batch.columns[1])
    for row in 0..<batch.count where !codes.isNull(row) {
      let place = union.unionValue(at: row)
      let child = children[place.child]
      guard !child.isNull(place.row), let value = SqlInfo.value(child, place.row) else { continue }
      values[UInt32(codes.integer(at: row))] = value
    }
  }

  private static func value(_ column: Column, _ row: Int) -> SqlInfoValue? {
    switch column.type {
    case .utf8, .largeUtf8, .utf8View: return .string(column.string(at: row))
    case .bool: return .bool(column.bool(at: row))
    case .int64: return .int64(Int64(column.integer(at: row)))
    case .int32: return .int32(Int32(column.integer(at: row)))
    case .list(let item) where item.type == .utf8:
      let items = column.children[0]
      return .strings(column.items(at: row).filter { !items.isNull($0) }.map { items.string(at: $0) })
    case .map:
      let entries = column.children[0]
      let (keys, lists) = (entries.children[0], entries.children[1])
      guard keys.type == .int32, case .list(let item) = lists.type, item.type == .int32 else { return nil }
      var found: [Int32: [Int32]] = [:]
      for entry in column.items(at: row) {
        let items = lists.isNull(entry) ? 0..<0 : lists.items(at: entry)
        found[Int32(keys.integer(at: entry))] = items.map { Int32(lists.children[0].integer(at: $0)) }
      }
      return .lists(found)
    default: return nil
    }
  }
}
