// Rows of metadata into batches and back: each kind of row names its columns once, in order.

import Arrow
import Memory

/// A row of one of the specification's metadata results.
public protocol MetadataRow: Hashable, Sendable {
  /// The columns as the specification has them: names, order, types, nullability.
  static var schema: Schema { get }

  /// Writes the values, in the order of the columns.
  func write(to row: inout MetadataRowWriter) throws(DataError)

  /// Reads the values, in the order of the columns.
  init(from row: inout MetadataRowReader) throws(DataError)

  /// What the specification orders the result by.
  var sortKey: [String] { get }
}

extension MetadataRow {
  /// A batch of the rows, in the order that the specification demands.
  static func batch(_ rows: [Self], by key: (Self) -> [String] = { $0.sortKey }) throws(DataError)
    -> RecordBatch
  {
    var writer = MetadataRowWriter(schema)
    let sorted = rows.map { (key($0), $0) }.sorted { $0.0.lexicographicallyPrecedes($1.0) }
    for (_, row) in sorted {
      writer.column = 0
      try row.write(to: &writer)
    }
    return try writer.finish()
  }

  /// The rows of a batch that some server sent.
  /// - Throws: `.malformed` when a column is missing, of another type, or null where it may not be.
  static func rows(_ batch: RecordBatch) throws(DataError) -> [Self] {
    try batch.check(.full)
    // By name: the C++ and Go servers have some columns in another order.
    let columns = schema.fields.map { field in batch.schema.index(of: field.name).map { batch.columns[$0] } }
    var rows: [Self] = []
    for index in 0..<batch.count {
      var reader = MetadataRowReader(schema, columns, index)
      rows.append(try Self(from: &reader))
    }
    return rows
  }
}

/// Columns that rows are appended to, value by value.
public struct MetadataRowWriter {
  private let schema: Schema
  private let builders: [ColumnBuilder]
  /// Where the next value of the row goes.
  fileprivate var column = 0

  fileprivate init(_ schema: Schema) {
    self.schema = schema
    builders = schema.fields.map { $0.type.makeBuilder() }
  }

  /// The builder of the next value; nil when that is null, which is done then.
  private mutating func next<Value>(_ value: Value?) -> (ColumnBuilder, Value)? {
    let builder = builders[column]
    precondition(value != nil || schema.fields[column].isNullable, "null for \(schema.fields[column].name)")
    column += 1
    guard let value else {
      builder.appendNull()
      return nil
    }
    return (builder, value)
  }

  mutating func add(_ value: String?) throws(DataError) {
    guard let (builder, value) = next(value) else { return }
    try (builder as! BinaryBuilder<Int32>).append(value)
  }

  mutating func add(_ value: [UInt8]) throws(DataError) {
    guard let (builder, value) = next(value) else { return }
    try (builder as! BinaryBuilder<Int32>).append(value.span.bytes)
  }

  mutating func add(_ value: Int32?) {
    guard let (builder, value) = next(value) else { return }
    (builder as! FixedBuilder<UInt32>).append(UInt32(bitPattern: value))
  }

  mutating func add(_ value: UInt8) {
    guard let (builder, value) = next(value) else { return }
    (builder as! FixedBuilder<UInt8>).append(value)
  }

  mutating func add(_ value: Bool?) {
    guard let (builder, value) = next(value) else { return }
    (builder as! BooleanBuilder).append(value)
  }

  mutating func add(_ value: [String]?) throws(DataError) {
    guard let (builder, value) = next(value) else { return }
    let list = builder as! ListBuilder<Int32>
    for text in value { try (list.child as! BinaryBuilder<Int32>).append(text) }
    try list.closeList()
  }

  fileprivate func finish() throws(DataError) -> RecordBatch {
    try RecordBatch(schema: schema, columns: builders.map { $0.finish() })
  }
}

/// One row of a batch, read value by value.
public struct MetadataRowReader {
  private let schema: Schema
  /// The batch's columns in the order of the schema; nil for those that it has not.
  private let columns: [Column?]
  private let row: Int
  private var column = 0

  fileprivate init(_ schema: Schema, _ columns: [Column?], _ row: Int) {
    self.schema = schema
    self.columns = columns
    self.row = row
  }

  /// Whether there is another column: some results have one that is optional.
  var hasMore: Bool { column < columns.count && columns[column] != nil }

  /// The next column if its type is one of those wanted; nil for a null.
  private mutating func next(_ wanted: String, _ fits: (DataType) -> Bool) throws(DataError) -> Column? {
    let name = schema.fields[column].name
    guard let found = columns[column] else {
      throw DataError(.malformed, "column '\(name)' of a metadata result is missing")
    }
    guard fits(found.type) else {
      throw DataError(.malformed, "column '\(name)' is \(found.type), not \(wanted)")
    }
    column += 1
    return found.isNull(row) ? nil : found
  }

  private func required<Value>(_ value: Value?) throws(DataError) -> Value {
    guard let value else {
      throw DataError(.malformed, "column '\(schema.fields[column - 1].name)' has a null")
    }
    return value
  }

  mutating func optionalText() throws(DataError) -> String? {
    try next("utf8") { $0.isText }?.string(at: row)
  }

  mutating func text() throws(DataError) -> String {
    let value = try optionalText()
    return try required(value)
  }

  mutating func bytes() throws(DataError) -> [UInt8] {
    let column = try next("binary") { type in
      switch type {
      case .binary, .largeBinary, .binaryView: true
      default: false
      }
    }
    let found = try required(column)
    return found.bytes(at: row).array
  }

  mutating func optionalNumber() throws(DataError) -> Int32? {
    try next("int32") { $0 == .int32 }.map { Int32($0.integer(at: row)) }
  }

  mutating func number() throws(DataError) -> Int32 {
    let value = try optionalNumber()
    return try required(value)
  }

  mutating func byte() throws(DataError) -> UInt8 {
    let column = try next("uint8") { $0 == .uint8 }
    return UInt8(try required(column).integer(at: row))
  }

  mutating func optionalTruth() throws(DataError) -> Bool? { try next("bool") { $0 == .bool }?.bool(at: row) }

  mutating func truth() throws(DataError) -> Bool {
    let value = try optionalTruth()
    return try required(value)
  }

  mutating func optionalTexts() throws(DataError) -> [String]? {
    let list = try next("list<utf8>") { if case .list(let item) = $0 { item.type.isText } else { false } }
    return list.map { list in
      let items = list.children[0]
      return list.items(at: row).filter { !items.isNull($0) }.map { items.string(at: $0) }
    }
  }
}
