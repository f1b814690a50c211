// Values for a statement's parameters, as they are typed on a command line.

import Arrow
import Engine
import Memory
import SQL

/// A value, perhaps with the name of the parameter that it is for.
struct ParameterValue {
  enum Value {
    case null
    case integer(Int64)
    case real(Double)
    case bool(Bool)
    case text(String)
    case blob([UInt8])
  }

  /// What stands before a `=`, if that can be a name. Whether it is one, the statement's parameters say.
  let name: String?
  private let named: Value
  private let whole: Value
  private let text: String

  init(_ text: String) {
    self.text = text
    whole = ParameterValue.value(text)
    if let equals = text.firstIndex(of: "="), ParameterValue.isName(text[..<equals]) {
      let prefix: Set<Character> = [":", "@", "$"]
      let name = text[..<equals]
      self.name = String(prefix.contains(name.first!) ? name.dropFirst() : name)
      named = ParameterValue.value(String(text[text.index(after: equals)...]))
    } else {
      name = nil
      named = whole
    }
  }

  private static func isName(_ text: Substring) -> Bool {
    let name = text.first.map { ":@$".contains($0) } == true ? text.dropFirst() : text
    return !name.isEmpty && name.allSatisfy { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "$" }
  }

  /// A literal of SQL where it is one, text otherwise.
  private static func value(_ text: String) -> Value {
    switch text.uppercased() {
    case "NULL": return .null
    case "TRUE": return .bool(true)
    case "FALSE": return .bool(false)
    default: break
    }
    if let integer = Int64(text), text.first != "+" { return .integer(integer) }
    // Words such as `inf` and `nan`, which Swift reads, are words.
    if text.allSatisfy({ $0.isASCII && ($0.isNumber || "+-.eE".contains($0)) }), let real = Double(text),
      real.isFinite
    {
      return .real(real)
    }
    let characters = Array(text)
    if characters.count >= 2, characters[0] == "'", characters.last == "'" {
      let inside = String(characters[1..<characters.count - 1])
      if inside.replacing("''", with: "").contains("'") == false {
        return .text(inside.replacing("''", with: "'"))
      }
    }
    if characters.count >= 3, "xX".contains(characters[0]), characters[1] == "'", characters.last == "'",
      let bytes = bytes(ofHexadecimal: characters[2..<characters.count - 1])
    {
      return .blob(bytes)
    }
    return .text(text)
  }

  private static func bytes(ofHexadecimal digits: ArraySlice<Character>) -> [UInt8]? {
    guard digits.count.isMultiple(of: 2) else { return nil }
    var bytes: [UInt8] = []
    for i in stride(from: digits.startIndex, to: digits.endIndex, by: 2) {
      guard let high = digits[i].hexDigitValue, let low = digits[i + 1].hexDigitValue else { return nil }
      bytes.append(UInt8(high * 16 + low))
    }
    return bytes
  }

  // MARK: For statements

  /// Throws for a value that no statement has a parameter for.
  static func check(_ values: [ParameterValue], against statements: [[Parameter]]?) throws(UsageError) {
    guard let statements, !values.isEmpty else { return }
    var names: Set<String> = []
    for parameter in statements.joined() {
      if let name = parameter.name { names.insert(String(name.dropFirst())) }
    }
    var positional = 0
    for value in values where value.name == nil || !names.contains(value.name!) {
      positional += 1
      let wanted =
        statements.map { parameters in
          parameters.count { parameter in
            !values.contains { $0.name != nil && parameter.name.map { String($0.dropFirst()) } == $0.name }
          }
        }.max() ?? 0
      guard positional <= wanted else {
        let has = statements.count == 1 ? "the statement has" : "no statement has"
        if let name = value.name, !names.isEmpty || wanted == 0 {
          throw UsageError("\(has) \(statements.count == 1 ? "no " : "a ")parameter :\(name)")
        }
        throw UsageError(
          wanted == 0
            ? "\(has) \(statements.count == 1 ? "no parameters" : "parameters"); '\(value.text)' is one value too many"
            : "\(has) more than \(wanted) parameter\(wanted == 1 ? "" : "s") without a value of that name; '\(value.text)' is too many"
        )
      }
    }
  }

  /// One row of values for the parameters of a statement; nil when it has none.
  static func batch(_ values: [ParameterValue], for schema: Schema) throws(EngineError) -> RecordBatch? {
    guard !schema.fields.isEmpty else { return nil }
    let names = Set(schema.fields.compactMap { bare($0.name) })
    var positional = values.filter { $0.name == nil || !names.contains($0.name!) }.map(\.whole)[...]
    var columns: [Column] = []
    var fields: [Field] = []
    for (i, field) in schema.fields.enumerated() {
      let value: Value
      if let name = bare(field.name), let given = values.last(where: { $0.name == name }) {
        value = given.named
      } else if let next = positional.popFirst() {
        value = next
      } else {
        let hint = bare(field.name).map { "--param \($0)=VALUE" } ?? "--param VALUE"
        throw EngineError(
          .invalidArgument,
          "parameter \(bare(field.name) == nil ? "\(i + 1)" : field.name) has no value; give \(hint)")
      }
      do throws(DataError) {
        let column = try value.column()
        columns.append(column)
        fields.append(Field(field.name, column.type))
      } catch {
        throw EngineError(error)
      }
    }
    do throws(DataError) { return try RecordBatch(schema: Schema(fields), columns: columns, count: 1) } catch
    {
      throw EngineError(error)
    }
  }

  /// The name of a parameter without its prefix; nil for one that only has a number.
  private static func bare(_ name: String) -> String? {
    name.first.map { ":@$".contains($0) } == true ? String(name.dropFirst()) : nil
  }
}

extension ParameterValue.Value {
  /// A column of this value alone.
  fileprivate func column() throws(DataError) -> Column {
    switch self {
    case .null:
      let builder = DataType.null.makeBuilder()
      builder.appendNull()
      return builder.finish()
    case .integer(let value): return try column(.int64, "\(value)")
    case .real(let value): return try column(.float64, "\(value)")
    case .bool(let value): return try column(.bool, value ? "true" : "false")
    case .text(let value): return try column(.utf8, value)
    case .blob(let bytes):
      let builder = DataType.binary.makeBuilder()
      try builder.append(bytes: bytes.span.bytes)
      return builder.finish()
    }
  }

  private func column(_ type: DataType, _ text: String) throws(DataError) -> Column {
    let builder = type.makeBuilder()
    try builder.append(text: Array(text.utf8).span.bytes)
    return builder.finish()
  }
}
