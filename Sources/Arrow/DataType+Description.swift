// Types as text, in the spelling that Arrow's own tools use.

extension DataType: CustomStringConvertible {
  public var description: String {
    switch self {
    case .null: "null"
    case .bool: "bool"
    case .int8: "int8"
    case .int16: "int16"
    case .int32: "int32"
    case .int64: "int64"
    case .uint8: "uint8"
    case .uint16: "uint16"
    case .uint32: "uint32"
    case .uint64: "uint64"
    case .float16: "float16"
    case .float32: "float32"
    case .float64: "float64"
    case .decimal32(let precision, let scale): "decimal32(\(precision), \(scale))"
    case .decimal64(let precision, let scale): "decimal64(\(precision), \(scale))"
    case .decimal128(let precision, let scale): "decimal128(\(precision), \(scale))"
    case .decimal256(let precision, let scale): "decimal256(\(precision), \(scale))"
    case .date32: "date32"
    case .date64: "date64"
    case .time32(let unit): "time32[\(unit.symbol)]"
    case .time64(let unit): "time64[\(unit.symbol)]"
    case .timestamp(let unit, let zone): "timestamp[\(unit.symbol)\(zone.map { ", tz=\($0)" } ?? "")]"
    case .duration(let unit): "duration[\(unit.symbol)]"
    case .interval(.yearMonth): "month_interval"
    case .interval(.dayTime): "day_time_interval"
    case .interval(.monthDayNano): "month_day_nano_interval"
    case .utf8: "utf8"
    case .largeUtf8: "large_utf8"
    case .utf8View: "utf8_view"
    case .binary: "binary"
    case .largeBinary: "large_binary"
    case .binaryView: "binary_view"
    case .fixedSizeBinary(let width): "fixed_size_binary[\(width)]"
    case .list(let child): "list<\(child.summary)>"
    case .largeList(let child): "large_list<\(child.summary)>"
    case .listView(let child): "list_view<\(child.summary)>"
    case .largeListView(let child): "large_list_view<\(child.summary)>"
    case .fixedSizeList(let child, let size): "fixed_size_list<\(child.summary)>[\(size)]"
    case .structure(let fields): "struct<\(fields.map(\.summary).joined(separator: ", "))>"
    case .map(let entries, let keysSorted):
      "map<\(entries.type.children.map { "\($0.type)" }.joined(separator: ", "))\(keysSorted ? ", keys sorted" : "")>"
    case .union(let mode, let fields, let ids):
      "\(mode == .sparse ? "sparse" : "dense")_union<"
        + zip(fields, ids).map { "\($0.summary)=\($1)" }.joined(separator: ", ") + ">"
    case .dictionary(let indices, let values, let isOrdered):
      "dictionary<values=\(values), indices=\(indices.dataType)\(isOrdered ? ", ordered" : "")>"
    case .runEndEncoded(let runEnds, let values):
      "run_end_encoded<run_ends=\(runEnds.type), values=\(values.type)>"
    }
  }
}

extension Field {
  /// `name: type not null`, as it stands inside a nested type.
  var summary: String { "\(name): \(type)\(isNullable ? "" : " not null")" }
}
