// Schemas out of FlatBuffers (Schema.fbs): fields, types, dictionaries, metadata.

import Arrow
import Memory

/// What a schema message says.
struct DecodedSchema {
  let schema: Schema
  let fields: [IPCField]
}

extension FlatTable {
  /// Reads the Schema table.
  func schema() throws(DataError) -> DecodedSchema {
    // endianness:0 fields:1 custom_metadata:2 features:3
    guard try scalar(0, default: Int16(0)) == 0 else {
      throw DataError(
        .unsupported, "the data is big-endian; Fletch reads little-endian Arrow data only", offset: position)
    }
    var fields: [IPCField] = []
    for table in try tables(1) { fields.append(try table.field(depth: FlatTable.maximumDepth)) }
    let schema = Schema(fields.map(\.field), metadata: try metadata(2))
    for field in schema.fields {
      do throws(DataError) { try field.type.check() } catch { throw error.within("field '\(field.name)'") }
    }
    return DecodedSchema(schema: schema, fields: fields)
  }

  /// How deep types may nest.
  private static var maximumDepth: Int { 64 }

  func metadata(_ field: Int) throws(DataError) -> Metadata {
    var entries: [Metadata.Entry] = []
    for table in try tables(field) {
      entries.append(Metadata.Entry(key: try table.bytes(0) ?? [], value: try table.bytes(1) ?? []))
    }
    return Metadata(entries)
  }

  private func field(depth: Int) throws(DataError) -> IPCField {
    // name:0 nullable:1 type_type:2 type:3 dictionary:4 children:5 custom_metadata:6
    guard depth > 0 else { throw DataError(.limit, "types nest deeper than 64 levels", offset: position) }
    let name = try string(0) ?? ""
    var children: [IPCField] = []
    for table in try tables(5) { children.append(try table.field(depth: depth - 1)) }
    let storage = try dataType(children.map(\.field), name: name)
    var type = storage
    var dictionary: IPCField.DictionaryEncoding?
    if let encoding = try table(4) {
      // id:0 indexType:1 isOrdered:2
      let index = try encoding.table(1)?.integerType() ?? .int32
      dictionary = IPCField.DictionaryEncoding(id: try encoding.scalar(0, default: 0), indices: index)
      type = .dictionary(indices: index, values: storage, isOrdered: try encoding.bool(2))
    }
    let field = Field(name, type, isNullable: try bool(1), metadata: try metadata(6))
    return IPCField(field: field, storage: storage, dictionary: dictionary, children: children)
  }

  private func integerType() throws(DataError) -> IntegerType {
    // bitWidth:0 is_signed:1
    let isSigned = try bool(1)
    switch try scalar(0, default: Int32(0)) {
    case 8: return isSigned ? .int8 : .uint8
    case 16: return isSigned ? .int16 : .uint16
    case 32: return isSigned ? .int32 : .uint32
    case 64: return isSigned ? .int64 : .uint64
    case let width: throw DataError(.malformed, "an integer of \(width) bits", offset: position)
    }
  }

  private func dataType(_ children: [Field], name: String) throws(DataError) -> DataType {
    let kind = try scalar(2, default: UInt8(0))
    func child() throws(DataError) -> Field {
      guard children.count == 1 else {
        throw DataError(
          .malformed, "field '\(name)' has \(children.count) children, not one", offset: position)
      }
      return children[0]
    }
    let type = try requiredTable(3, "type of field '\(name)'")
    switch TypeKind(rawValue: kind) {
    case .null: return .null
    case .int: return try type.integerType().dataType
    case .floatingPoint:
      switch try type.scalar(0, default: Int16(0)) {
      case 0: return .float16
      case 1: return .float32
      case 2: return .float64
      case let precision:
        throw DataError(
          .malformed, "a floating-point number of precision \(precision)", offset: type.position)
      }
    case .binary: return .binary
    case .utf8: return .utf8
    case .bool: return .bool
    case .decimal:
      let precision = Int(try type.scalar(0, default: Int32(0)))
      let scale = Int(try type.scalar(1, default: Int32(0)))
      switch try type.scalar(2, default: Int32(128)) {
      case 32: return .decimal32(precision: precision, scale: scale)
      case 64: return .decimal64(precision: precision, scale: scale)
      case 128: return .decimal128(precision: precision, scale: scale)
      case 256: return .decimal256(precision: precision, scale: scale)
      case let width: throw DataError(.malformed, "a decimal of \(width) bits", offset: type.position)
      }
    case .date:
      switch try type.scalar(0, default: Int16(1)) {
      case 0: return .date32
      case 1: return .date64
      case let unit: throw DataError(.malformed, "a date of unit \(unit)", offset: type.position)
      }
    case .time:
      let unit = try type.timeUnit(default: .millisecond)
      switch try type.scalar(1, default: Int32(32)) {
      case 32: return .time32(unit)
      case 64: return .time64(unit)
      case let width: throw DataError(.malformed, "a time of \(width) bits", offset: type.position)
      }
    case .timestamp: return .timestamp(try type.timeUnit(default: .second), zone: try type.string(1))
    case .interval:
      switch try type.scalar(0, default: Int16(0)) {
      case 0: return .interval(.yearMonth)
      case 1: return .interval(.dayTime)
      case 2: return .interval(.monthDayNano)
      case let unit: throw DataError(.malformed, "an interval of unit \(unit)", offset: type.position)
      }
    case .list: return .list(try child())
    case .structure: return .structure(children)
    case .union: return try type.union(children)
    case .fixedSizeBinary: return .fixedSizeBinary(Int(try type.scalar(0, default: Int32(0))))
    case .fixedSizeList: return .fixedSizeList(try child(), Int(try type.scalar(0, default: Int32(0))))
    case .map: return .map(entries: try child(), keysSorted: try type.bool(0))
    case .duration: return .duration(try type.timeUnit(default: .millisecond))
    case .largeBinary: return .largeBinary
    case .largeUtf8: return .largeUtf8
    case .largeList: return .largeList(try child())
    case .runEndEncoded:
      guard children.count == 2 else {
        throw DataError(
          .malformed, "run-end encoding has two children, not \(children.count)", offset: position)
      }
      return .runEndEncoded(runEnds: children[0], values: children[1])
    case .binaryView: return .binaryView
    case .utf8View: return .utf8View
    case .listView: return .listView(try child())
    case .largeListView: return .largeListView(try child())
    case nil:
      throw DataError(
        .unsupported, "field '\(name)' has a type that Fletch does not know (\(kind))", offset: position)
    }
  }

  private func timeUnit(default absent: TimeUnit) throws(DataError) -> TimeUnit {
    let value = try scalar(0, default: Int16(absent.rawValue))
    guard let raw = UInt8(exactly: value), let unit = TimeUnit(rawValue: raw) else {
      throw DataError(.malformed, "a time unit of \(value)", offset: position)
    }
    return unit
  }

  private func union(_ children: [Field]) throws(DataError) -> DataType {
    // mode:0 typeIds:1
    let mode = try scalar(0, default: Int16(0))
    guard let raw = UInt8(exactly: mode), let mode = UnionMode(rawValue: raw) else {
      throw DataError(.malformed, "a union of mode \(mode)", offset: position)
    }
    guard children.count <= 128 else {
      throw DataError(
        .malformed, "a union of \(children.count) fields; type ids end at 127", offset: position)
    }
    guard try has(1) else {
      return .union(mode, fields: children, ids: children.indices.map { Int8($0) })
    }
    let ids = try vector(1, stride: 4)
    guard ids.count == children.count else {
      throw DataError(
        .malformed, "a union of \(children.count) fields with \(ids.count) type ids", offset: position)
    }
    var typeIDs: [Int8] = []
    for i in 0..<ids.count {
      let id = ids.load(i, as: Int32.self)
      guard let id = Int8(exactly: id) else {
        throw DataError(.malformed, "a type id of \(id)", offset: position)
      }
      typeIDs.append(id)
    }
    return .union(mode, fields: children, ids: typeIDs)
  }
}

/// The members of the union `Type` in Schema.fbs.
enum TypeKind: UInt8 {
  case null = 1
  case int, floatingPoint, binary, utf8, bool, decimal, date, time, timestamp, interval, list, structure,
    union
  case fixedSizeBinary, fixedSizeList, map, duration, largeBinary, largeUtf8, largeList, runEndEncoded
  case binaryView, utf8View, listView, largeListView
}
