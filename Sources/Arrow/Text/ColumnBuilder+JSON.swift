// Values of every type out of JSON: the exact inverse of `Column.appendJSON`.

import Memory

extension ColumnBuilder {
  /// Appends a value that JSON describes, as `Column.appendJSON` writes it; JSON's `null` is a null.
  ///
  /// Struct fields may come in any order, those of equal names in the order of the fields; what is missing is null. Numbers may stand in
  /// strings.
  /// - Throws: `.invalid` for what is no JSON, or no value of the type; `.limit` for more than the column holds. After an error inside of a
  ///   nested value the builder is to be thrown away.
  public final func appendJSON(_ text: RawSpan) throws(DataError) {
    var reader = try JSONReader(text)
    try appendJSON(from: &reader)
    guard reader.isAtEnd() else { throw reader.error("more text follows the value") }
  }

  /// The same for the value that is next in a longer text.
  public final func appendJSON(from reader: inout JSONReader) throws(DataError) {
    if try reader.takeNull() {
      try appendNullValue()
      return
    }
    switch type.layoutKind {
    case .dictionary where type.valueType.isNested, .runs where type.valueType.isNested:
      // Compared as a whole with the values before it.
      let values = type.valueType.makeBuilder()
      try values.appendJSON(from: &reader)
      try append(one: values.finish())
    case .list, .listView, .fixedList: try appendItems(from: &reader)
    case .structure: try appendFields(from: &reader)
    case .union: try appendChoice(from: &reader)
    default: try appendScalar(from: &reader)
    }
  }

  private func appendNullValue() throws(DataError) {
    switch type {
    case .union(_, let fields, _) where fields.isEmpty: throw DataError(.invalid, "a \(type) has no null")
    case .runEndEncoded(_, let field):
      let null = field.type.makeBuilder()
      null.appendNull()
      try append(one: null.finish())
    default: appendNull()
    }
  }

  /// Appends the one value of a column of what a dictionary's or a run's values are.
  private func append(one value: Column) throws(DataError) {
    switch self {
    case let dictionary as DictionaryBuilder: try dictionary.append(value: value, at: 0)
    case let runs as RunEndBuilder: try runs.append(value: value, at: 0)
    default: preconditionFailure("\(type) has no values")
    }
  }

  private func appendScalar(from reader: inout JSONReader) throws(DataError) {
    switch try reader.kind() {
    case .string:
      try reader.takeString { bytes throws(DataError) in try append(scalar: bytes) }
    case .number:
      let number = try reader.takeNumber()
      guard !type.valueType.isText, !type.valueType.isBinary else { throw notA(number) }
      try append(scalar: number)
    case .true, .false:
      let bool = try reader.takeBool()
      guard type.valueType == .bool else {
        throw DataError(.invalid, "'\(bool)' is no \(type)", offset: reader.place)
      }
      try append(bool: bool)
    case .object:
      guard case .interval(let unit) = type.valueType else { throw reader.error("an object is no \(type)") }
      try appendInterval(unit, from: &reader)
    case .array: throw reader.error("an array is no \(type)")
    case .null: preconditionFailure("nulls are read before")
    }
  }

  private func appendItems(from reader: inout JSONReader) throws(DataError) {
    try reader.beginArray()
    let items = itemBuilder
    let isNullable = type.children[0].isNullable
    while try reader.hasItem() {
      if let entries = items as? StructBuilder, case .map = type {
        try reader.beginArray()
        for (i, child) in entries.children.enumerated() {
          guard try reader.hasItem() else { throw reader.error("a map's entry is a pair") }
          let isNull = try reader.kind() == .null
          guard i > 0 || !isNull else { throw reader.error("a map's key is not null") }
          try child.appendJSON(from: &reader)
        }
        guard try !reader.hasItem() else { throw reader.error("a map's entry is a pair") }
        entries.closeStruct()
      } else {
        let isNull = try reader.kind() == .null
        guard isNullable || !isNull else { throw reader.error("an item may not be null") }
        try items.appendJSON(from: &reader)
      }
    }
    try closeItems()
  }

  private func appendFields(from reader: inout JSONReader) throws(DataError) {
    guard let structure = self as? StructBuilder else { preconditionFailure() }
    let fields = type.children
    let children = structure.children
    // A child that has got its value is one ahead.
    let before = count
    try reader.beginObject()
    var next: Int? = 0
    while true {
      let place = try reader.takeKey { key throws(DataError) -> Int in
        func matches(_ i: Int) -> Bool { children[i].count == before && key.isEqual(to: fields[i].name) }
        // Written by `Column.appendJSON` they come in order, and nothing is searched.
        if let next, next < fields.count, matches(next) { return next }
        if let i = fields.indices.first(where: matches) { return i }
        throw DataError(.invalid, "no field is left for \(ShortenedText(key)) in \(type)")
      }
      guard let place else { break }
      next = place == next ? place + 1 : nil
      let isNull = try reader.kind() == .null
      guard fields[place].isNullable || !isNull else {
        throw reader.error("field '\(fields[place].name)' may not be null")
      }
      try children[place].appendJSON(from: &reader)
    }
    for (child, field) in zip(children, fields) where child.count == before {
      guard field.isNullable else { throw reader.error("field '\(field.name)' is missing") }
      try child.appendNullValue()
    }
    structure.closeStruct()
  }

  private func appendChoice(from reader: inout JSONReader) throws(DataError) {
    guard let union = self as? UnionBuilder, case .union(_, let fields, let ids) = type else {
      preconditionFailure()
    }
    let choice: Int
    if try reader.kind() == .object {
      try reader.beginObject()
      let named = try reader.takeKey { key throws(DataError) -> Int in
        if let i = fields.firstIndex(where: { key.isEqual(to: $0.name) }) { return i }
        throw DataError(.invalid, "no child \(ShortenedText(key)) in \(type)")
      }
      guard let named else { throw reader.error("an empty object is no \(type)") }
      choice = named
      try union.children[choice].appendJSON(from: &reader)
      guard try reader.takeKey({ _ throws(DataError) in }) == nil else {
        throw reader.error("a union has one value")
      }
    } else {
      try reader.beginArray()
      guard try reader.hasItem(), let id = IntegerText.parse(try reader.takeNumber(), as: .int8),
        let i = ids.firstIndex(of: Int8(truncatingIfNeeded: id)), try reader.hasItem()
      else { throw reader.error("a union's value is [type id, value]") }
      choice = i
      try union.children[choice].appendJSON(from: &reader)
      guard try !reader.hasItem() else { throw reader.error("a union has one value") }
    }
    union.closeValue(child: choice)
  }

  private func appendInterval(_ unit: IntervalUnit, from reader: inout JSONReader) throws(DataError) {
    let names: [(name: String, type: IntegerType)] =
      switch unit {
      case .yearMonth: [("months", .int32)]
      case .dayTime: [("days", .int32), ("milliseconds", .int32)]
      case .monthDayNano: [("months", .int32), ("days", .int32), ("nanoseconds", .int64)]
      }
    var bytes: [UInt8] = Array(repeating: 0, count: type.valueType.byteWidth!)
    try reader.beginObject()
    while true {
      let part = try reader.takeKey { key throws(DataError) -> Int in
        if let i = names.firstIndex(where: { key.isEqual(to: $0.name) }) { return i }
        throw DataError(.invalid, "no part \(ShortenedText(key)) in \(type)")
      }
      guard let part else { break }
      let number = try reader.takeNumber()
      guard let value = IntegerText.parse(number, as: names[part].type) else { throw notA(number) }
      for i in 0..<names[part].type.byteWidth {
        bytes[part * 4 + i] = UInt8(truncatingIfNeeded: value >> (8 * i))
      }
    }
    try append(bytes: bytes.span.bytes)
  }
}

extension DataType {
  var isNested: Bool {
    switch self {
    case .list, .largeList, .listView, .largeListView, .fixedSizeList, .map, .structure, .union: true
    default: false
    }
  }

  /// Whether the values are bytes of any kind.
  var isBinary: Bool {
    switch self {
    case .binary, .largeBinary, .binaryView, .fixedSizeBinary: true
    default: false
    }
  }
}
