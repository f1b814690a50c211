// The static types of function results.

import Arrow

extension StaticType {
  private static func nullable(_ classes: StorageClasses) -> StaticType { StaticType(classes.union(.null)) }

  /// Numbers as SQLite's arithmetic sees them: text and blobs are read as numbers of either class.
  private static func asNumber(_ classes: StorageClasses) -> StorageClasses {
    var result = classes.intersection([.null, .integer, .real])
    if classes.contains(.text) || classes.contains(.blob) { result.formUnion(.numeric) }
    return result
  }

  /// The result of a scalar function (name folded); `any` for those that are not SQLite's own.
  static func scalar(_ name: String, _ arguments: [StaticType]) -> StaticType {
    let all = arguments.reduce(StorageClasses()) { $0.union($1.classes) }
    let null = all.intersection(.null)
    let first = arguments.first ?? .null
    switch name {
    case "abs":
      var classes = first.classes.intersection([.null, .integer, .real])
      let isConverted = first.classes.contains(.text) || first.classes.contains(.blob)
      if isConverted { classes.insert(.real) }
      var result = StaticType(classes)
      result.isRealByOverflow = first.isRealByOverflow && !isConverted
      return result
    case "likely", "unlikely", "likelihood": return first
    case "coalesce", "ifnull":
      let joined = arguments.dropFirst().reduce(first) { $0.union($1) }
      return arguments.contains { !$0.classes.contains(.null) } ? joined.notNull : joined
    case "iif": return arguments.count == 3 ? arguments[1].union(arguments[2]) : .any
    case "nullif": return first.nullable
    case "min", "max":
      let joined = arguments.dropFirst().reduce(first) { $0.union($1) }
      return null.isEmpty ? joined : joined.nullable
    case "typeof", "quote", "hex", "soundex", "char", "sqlite_version", "sqlite_source_id", "json_array",
      "json_object",
      "current_date", "current_time", "current_timestamp":
      return StaticType(.text)
    case "length", "instr", "like", "glob": return StaticType(StorageClasses.integer.union(null))
    case "sign", "unicode", "unixepoch", "json_array_length", "json_valid", "sqlite_compileoption_used":
      return nullable(.integer)
    case "changes", "total_changes", "last_insert_rowid", "random": return StaticType(.integer)
    case "lower", "upper", "trim", "ltrim", "rtrim": return StaticType(StorageClasses.text.union(null))
    case "substr", "substring":
      let isBlob = first.classes.contains(.blob)
      let others = !first.classes.subtracting([.blob, .null]).isEmpty
      return nullable([isBlob ? .blob : [], others ? .text : []])
    case "replace": return nullable(first.classes.union(.text))
    case "zeroblob", "randomblob": return nullable(.blob)
    case "round": return nullable(.real)
    case "printf", "format", "date", "time", "datetime", "strftime", "sqlite_compileoption_get", "json",
      "json_quote",
      "json_insert", "json_replace", "json_set", "json_patch", "json_remove", "json_type":
      return nullable(.text)
    case "julianday", "acos", "acosh", "asin", "asinh", "atan", "atanh", "cos", "cosh", "degrees", "exp",
      "ln", "log",
      "log10", "log2", "radians", "sin", "sinh", "sqrt", "tan", "tanh", "atan2", "mod", "pow", "power":
      return nullable(.real)
    case "pi": return StaticType(.real)
    case "ceil", "ceiling", "floor", "trunc": return nullable(asNumber(first.classes))
    case "json_extract": return arguments.count > 2 ? nullable(.text) : nullable([.integer, .real, .text])
    default: return .any
    }
  }

  /// The result of an aggregate, also as a window call.
  static func aggregate(_ name: String, _ arguments: [StaticType], isOverWindow: Bool) -> StaticType {
    let first = arguments.first ?? .null
    switch name {
    case "count": return StaticType(.integer)
    case "total": return nullable(.real)
    case "avg": return nullable(.real)
    case "sum":
      let classes = first.classes
      if classes.withoutNull == .integer { return nullable(.integer) }
      if classes.withoutNull == .real { return nullable(.real) }
      return nullable(asNumber(classes))
    case "min", "max": return first.nullable
    case "group_concat": return nullable(.text)
    case "json_group_array", "json_group_object": return nullable(.text)
    case "row_number", "rank", "dense_rank", "ntile": return StaticType(.integer)
    case "percent_rank", "cume_dist": return StaticType(.real)
    case "lag", "lead":
      guard arguments.count == 3 else { return first.nullable }
      return first.union(arguments[2])
    case "first_value", "last_value", "nth_value": return first.nullable
    default: return .any
    }
  }

  /// The result of an operator that is neither a comparison nor AND nor OR.
  static func binary(_ symbol: BinaryOperator, _ left: StaticType, _ right: StaticType) -> StaticType {
    let null = left.classes.union(right.classes).intersection(.null)
    if left.classes == .null || right.classes == .null { return .null }
    switch symbol {
    case .add, .subtract, .multiply:
      let a = asNumber(left.classes)
      let b = asNumber(right.classes)
      var result = StaticType(null)
      if a.contains(.integer), b.contains(.integer) {
        result.classes.formUnion(.numeric)
        result.isRealByOverflow = true
      }
      // Infinities give NaN, which is NULL.
      if a.contains(.real) || b.contains(.real) {
        result.classes.formUnion([.real, .null])
        let isByOverflow =
          (!a.contains(.real) || left.isRealByOverflow) && (!b.contains(.real) || right.isRealByOverflow)
        result.isRealByOverflow = result.isRealByOverflow && isByOverflow
      }
      return result
    case .divide, .remainder:
      let a = asNumber(left.classes)
      let b = asNumber(right.classes)
      var result = StaticType(.null)
      if a.contains(.integer), b.contains(.integer) {
        result.classes.insert(.integer)
        // Only the smallest integer divided by -1.
        if symbol == .divide { result.classes.insert(.real) }
        result.isRealByOverflow = symbol == .divide
      }
      if a.contains(.real) || b.contains(.real) {
        result.classes.insert(.real)
        result.isRealByOverflow =
          result.classes.contains(.integer)
          && (!a.contains(.real) || left.isRealByOverflow) && (!b.contains(.real) || right.isRealByOverflow)
      }
      return result
    case .bitAnd, .bitOr, .shiftLeft, .shiftRight: return StaticType(StorageClasses.integer.union(null))
    case .concatenate: return StaticType(StorageClasses.text.union(null))
    case .arrow: return nullable(.text)
    case .doubleArrow: return nullable([.integer, .real, .text])
    default: return .any
    }
  }

  static func negated(_ operand: StaticType) -> StaticType {
    var result = StaticType(asNumber(operand.classes))
    if result.classes.contains(.integer) {
      // Only the smallest integer.
      result.isRealByOverflow = !result.classes.contains(.real) || operand.isRealByOverflow
      result.classes.insert(.real)
    }
    return result
  }

  /// What a path of field names leads to within a struct column, where all values of it are of one class; nil elsewhere.
  static func extracted(_ value: StaticType, path: BoundExpression) -> StaticType? {
    guard case .literal(.text(let path)) = path.node, let type = value.field?.type,
      let field = type.field(atJSONPath: path)
    else { return nil }
    return nullable(field.type.isJSONInteger ? .integer : .text)
  }

  static func cast(_ operand: StaticType, to affinity: Affinity) -> StaticType {
    let null = operand.classes.intersection(.null)
    if operand.classes == .null { return .null }
    switch affinity {
    case .blob: return StaticType(StorageClasses.blob.union(null))
    case .text: return StaticType(StorageClasses.text.union(null))
    case .integer: return StaticType(StorageClasses.integer.union(null))
    case .real: return StaticType(StorageClasses.real.union(null))
    case .numeric:
      var classes = asNumber(operand.classes)
      if operand.classes.contains(.real) { classes.insert(.integer) }
      return StaticType(classes)
    }
  }

  /// 0 or 1, or NULL where an operand may be.
  static func truth(_ operands: StaticType...) -> StaticType {
    let all = operands.reduce(StorageClasses()) { $0.union($1.classes) }
    return StaticType(StorageClasses.integer.union(all.intersection(.null)))
  }
}

extension DataType {
  /// The field of a struct, or of a struct within it, that a path such as `dept` or `$.address.city` names for SQLite's JSON functions,
  /// where its values are JSON strings or integers.
  public func field(atJSONPath path: String) -> (places: [Int], type: DataType)? {
    var names = path.split(separator: ".", omittingEmptySubsequences: false)
    if path.hasPrefix("$") {
      guard names.removeFirst() == "$" else { return nil }
    } else if names.count != 1 {
      return nil
    }
    let isPlain = names.allSatisfy { name in
      name.utf8.first.map { $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A || $0 == 0x5F } ?? false
        && name.utf8.allSatisfy {
          $0 | 0x20 >= 0x61 && $0 | 0x20 <= 0x7A || $0 == 0x5F || $0 >= 0x30 && $0 <= 0x39
        }
    }
    guard isPlain, !names.isEmpty else { return nil }
    var type = self
    var places: [Int] = []
    for name in names {
      guard case .structure(let fields) = type, let place = fields.firstIndex(where: { $0.name == name })
      else { return nil }
      places.append(place)
      type = fields[place].type
    }
    switch type {
    case .utf8, .largeUtf8, .utf8View: return (places, type)
    default: return type.isJSONInteger ? (places, type) : nil
    }
  }

  /// Whether JSON has integers, or true and false, for all values.
  var isJSONInteger: Bool {
    switch self {
    case .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32: true
    default: false
    }
  }
}
