// A table with a column of every Arrow type: what a client or a file format can be tried with.

import Arrow
import Memory

public struct AllTypes: SampleTable {
  private let fillers: [RandomFiller]
  public let schema: Schema

  /// - Parameter nullsOneIn: a null in so many values; nil for none.
  public init(seed: UInt64, nullsOneIn: Int? = 5) {
    schema = AllTypes.schema
    fillers = AllTypes.schema.fields.enumerated().map { i, field in
      RandomFiller(
        field.type, RandomSource(seed: seed &+ UInt64(i) &* 0x9E37_79B9),
        nullsOneIn: field.isNullable ? nullsOneIn : nil)
    }
  }

  public mutating func batch(rows: Int) throws(DataError) -> RecordBatch {
    var columns: [Column] = []
    for filler in fillers {
      for _ in 0..<rows { try filler.append() }
      columns.append(filler.builder.finish())
    }
    return try RecordBatch(schema: schema, columns: columns, count: rows)
  }

  /// One field or more for each type, named after it.
  public static let schema = Schema(
    fields,
    metadata: ["made_by": "fletch sample --kind types", "": "an empty key", "empty": ""])

  private static let fields: [Field] = {
    var fields: [Field] = []
    for type in simpleTypes { fields.append(Field("\(type)", type)) }
    for type in nestedTypes { fields.append(Field("nested_\(fields.count)", type)) }
    fields.append(Field("not_null", .int32, isNullable: false))
    fields.append(Field("", .utf8, metadata: ["note": "a field without a name"]))
    fields.append(
      Field(
        "uuid", .fixedSizeBinary(16),
        metadata: ["ARROW:extension:name": "arrow.uuid", "ARROW:extension:metadata": ""]))
    return fields
  }()

  public static let simpleTypes: [DataType] =
    [.null, .bool] + IntegerType.allCases.map(\.dataType) + [
      .float16, .float32, .float64,
      .decimal32(precision: 9, scale: 2), .decimal64(precision: 18, scale: 0),
      .decimal128(precision: 38, scale: 10),
      .decimal128(precision: 12, scale: -3), .decimal256(precision: 76, scale: 76),
      .date32, .date64, .time32(.second), .time32(.millisecond), .time64(.microsecond), .time64(.nanosecond),
    ]
    + TimeUnit.allCases.flatMap { unit -> [DataType] in
      [.timestamp(unit, zone: nil), .timestamp(unit, zone: "Europe/Berlin"), .duration(unit)]
    }
    + IntervalUnit.allCases.map { .interval($0) }
    + [
      .utf8, .largeUtf8, .utf8View, .binary, .largeBinary, .binaryView, .fixedSizeBinary(5),
      .fixedSizeBinary(0),
    ]

  public static let nestedTypes: [DataType] = {
    let item = Field("item", .int32)
    let text = Field("item", .utf8View)
    let pair = Field(
      "entries", .structure([Field("key", .utf8, isNullable: false), Field("value", .float64)]),
      isNullable: false)
    let list = Field("item", .list(text))
    let choices = [Field("number", .int64), Field("text", .utf8), Field("list", .list(item))]
    let ends = { (type: DataType) in Field("run_ends", type, isNullable: false) }
    let dictionaries: [DataType] = IntegerType.allCases.map {
      .dictionary(indices: $0, values: .utf8, isOrdered: $0 == .int16)
    }
    return dictionaries + [
      .list(item), .largeList(text), .listView(item), .largeListView(text),
      .fixedSizeList(item, 3), .fixedSizeList(item, 0),
      .structure([Field("a", .bool), Field("b", .decimal128(precision: 5, scale: 1), isNullable: false)]),
      .structure([]),
      .map(entries: pair, keysSorted: false),
      .union(.sparse, fields: choices, ids: [0, 1, 2]),
      .union(.dense, fields: choices, ids: [5, 0, 127]),
      .dictionary(indices: .int32, values: .int64, isOrdered: false),
      .dictionary(indices: .int8, values: .structure([Field("x", .int8)]), isOrdered: false),
      .runEndEncoded(runEnds: ends(.int16), values: Field("values", .utf8)),
      .runEndEncoded(runEnds: ends(.int32), values: Field("values", .float64)),
      .runEndEncoded(runEnds: ends(.int64), values: Field("values", .list(item))),
      .list(
        Field(
          "item",
          .structure([Field("tags", .map(entries: pair, keysSorted: true)), Field("more", list.type)]))),
      .structure([Field("deep", .largeListView(Field("item", .fixedSizeList(list, 2))))]),
      .list(Field("item", .dictionary(indices: .uint16, values: .utf8, isOrdered: false))),
      .dictionary(
        indices: .int32,
        values: .list(Field("item", .dictionary(indices: .int8, values: .binary, isOrdered: false))),
        isOrdered: false),
      .union(
        .dense,
        fields: [
          Field("s", .structure(choices)),
          Field("r", .runEndEncoded(runEnds: ends(.int32), values: Field("values", .bool))),
        ], ids: [1, 2]),
    ]
  }()
}
