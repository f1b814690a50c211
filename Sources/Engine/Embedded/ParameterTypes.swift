// What type a parameter is to have, by where it stands: some drivers bind no value to a parameter without one.

import Arrow
import SQL

/// The types of a statement's parameters, as far as columns and words around them tell. SQLite takes any value for any parameter, so
/// these are advice to clients and bind nobody.
struct ParameterTypes {
  private let catalog: SchemaReader
  /// Tables that the statement names anywhere, under the names that columns are called by. No scopes: where a name is that of two columns
  /// of different types, nothing is told.
  private var tables: [(name: String, relation: Relation)] = []
  /// Nil where two places say different things.
  private var types: [Int: DataType?] = [:]

  static func types(of statement: SQL.Statement, _ catalog: SchemaReader) -> [Int: DataType] {
    guard !statement.parameters.isEmpty else { return [:] }
    var found = ParameterTypes(catalog: catalog)
    found.collect(statement.kind)
    found.walk(statement.kind)
    return found.types.compactMapValues { $0 }
  }

  private init(catalog: SchemaReader) { self.catalog = catalog }

  // MARK: Tables

  private mutating func collect(_ kind: SQL.Statement.Kind) {
    switch kind {
    case .select(let select): collect(select)
    case .insert(let insert):
      collect(insert.table)
      collect(insert.with)
      if let source = insert.source { collect(source) }
    case .update(let update):
      collect(update.table)
      collect(update.with)
      for term in update.from { collect(term) }
    case .delete(let delete):
      collect(delete.table)
      collect(delete.with)
    default: break
    }
  }

  private mutating func collect(_ target: TargetTable) {
    collect(schema: target.name.schema, target.name.name, alias: target.alias)
  }

  private mutating func collect(schema: Name?, _ name: Name, alias: Name?) {
    guard let relation = try? catalog.relation(schema: schema?.text, name: name.text) else { return }
    tables.append((name: (alias ?? name).text.lowercased(), relation: relation))
  }

  private mutating func collect(_ with: With?) { for table in with?.tables ?? [] { collect(table.select) } }

  private mutating func collect(_ select: Select) {
    collect(select.with)
    for core in [select.first] + select.rest.map(\.core) {
      if case .select(let body) = core { for term in body.from { collect(term) } }
    }
  }

  private mutating func collect(_ term: FromTerm) {
    switch term.source {
    case .table(let schema, let name, _): collect(schema: schema, name, alias: term.alias)
    case .select(let select): collect(select)
    case .nested(let terms): for term in terms { collect(term) }
    case .function: break
    }
  }

  private func column(_ name: String, of table: String? = nil) -> DataType? {
    var found: DataType?
    for (tableName, relation) in tables where table == nil || tableName == table!.lowercased() {
      guard let column = relation.columns.first(where: { $0.name.lowercased() == name.lowercased() }) else {
        continue
      }
      guard let type = column.parameterType, found == nil || found == type else { return nil }
      found = type
    }
    return found
  }

  // MARK: Statements

  private mutating func walk(_ kind: SQL.Statement.Kind) {
    switch kind {
    case .select(let select): walk(select)
    case .insert(let insert): walk(insert)
    case .update(let update):
      walk(update.with)
      for assignment in update.assignments { assign(assignment) }
      for term in update.from { walk(term) }
      walk(update.where)
      note(update.limit, .int64)
      note(update.offset, .int64)
    case .delete(let delete):
      walk(delete.with)
      walk(delete.where)
      note(delete.limit, .int64)
      note(delete.offset, .int64)
    default: break
    }
  }

  private mutating func assign(_ assignment: Assignment) {
    if assignment.columns.count == 1 {
      note(assignment.value, column(assignment.columns[0].text))
    } else if case .row(let values) = assignment.value.node {
      for (name, value) in zip(assignment.columns, values) { note(value, column(name.text)) }
    } else {
      walk(assignment.value)
    }
  }

  private mutating func walk(_ insert: Insert) {
    walk(insert.with)
    let relation = tables.first?.relation
    let columns =
      insert.columns.isEmpty
      ? relation?.columns.filter { !$0.isHidden } ?? []
      : insert.columns.compactMap { name in
        relation?.columns.first { $0.name.lowercased() == name.text.lowercased() }
      }
    let wanted = columns.map(\.parameterType)
    let isKnown = insert.columns.isEmpty || columns.count == insert.columns.count
    for core in insert.source.map({ [$0.first] + $0.rest.map(\.core) }) ?? [] {
      guard isKnown else { continue }
      switch core {
      case .values(let rows, _):
        for row in rows { for (value, type) in zip(row, wanted) { note(value, type) } }
      case .select(let body):
        for (result, type) in zip(body.columns, wanted) {
          // A star stands for several.
          guard case .expression(let expression, _, _) = result else { break }
          note(expression, type)
        }
      }
    }
    if let source = insert.source { walk(source) }
    for upsert in insert.upserts {
      for assignment in upsert.update ?? [] { assign(assignment) }
      walk(upsert.targetWhere)
      walk(upsert.updateWhere)
    }
  }

  private mutating func walk(_ with: With?) { for table in with?.tables ?? [] { walk(table.select) } }

  private mutating func walk(_ select: Select) {
    // Those of subqueries within expressions are not known yet.
    collect(select)
    walk(select.with)
    for core in [select.first] + select.rest.map(\.core) {
      switch core {
      case .values(let rows, _): for row in rows { for value in row { walk(value) } }
      case .select(let body):
        for case .expression(let expression, _, _) in body.columns { walk(expression) }
        for term in body.from { walk(term) }
        walk(body.where)
        for expression in body.groupBy { walk(expression) }
        walk(body.having)
      }
    }
    for term in select.orderBy { walk(term.expression) }
    note(select.limit, .int64)
    note(select.offset, .int64)
  }

  private mutating func walk(_ term: FromTerm) {
    switch term.source {
    case .select(let select): walk(select)
    case .nested(let terms): for term in terms { walk(term) }
    case .function(_, _, let arguments): for argument in arguments { walk(argument) }
    case .table: break
    }
    if case .on(let condition)? = term.constraint { walk(condition) }
  }

  // MARK: Expressions

  private mutating func note(_ expression: Expression?, _ type: DataType?) {
    guard let expression else { return }
    switch expression.node {
    case .parameter(let parameter):
      guard let type else { return }
      if let known = types[parameter.number] {
        if known != type { types[parameter.number] = .some(nil) }
      } else {
        types[parameter.number] = type
      }
    case .collate(let inner, _): note(inner, type)
    case .unary(.plus, let inner), .unary(.negate, let inner): note(inner, type)
    default: walk(expression)
    }
  }

  /// Each of two expressions has the type of the other, where that is known.
  private mutating func alike(_ a: Expression, _ b: Expression) {
    note(a, type(b))
    note(b, type(a))
  }

  private mutating func walk(_ expression: Expression?) {
    guard let expression else { return }
    switch expression.node {
    case .literal, .parameter, .column, .raise: break
    case .unary(_, let inner), .isNull(let inner, _), .collate(let inner, _): walk(inner)
    case .binary(let operation, let a, let b):
      switch operation {
      case .and, .or:
        walk(a)
        walk(b)
      case .concatenate:
        note(a, .utf8)
        note(b, .utf8)
      case .bitAnd, .bitOr, .shiftLeft, .shiftRight:
        note(a, .int64)
        note(b, .int64)
      case .arrow, .doubleArrow:
        note(a, .utf8)
        note(b, .utf8)
      default: alike(a, b)
      }
    case .match(_, _, let a, let b, let escape):
      note(a, .utf8)
      note(b, .utf8)
      note(escape, .utf8)
    case .between(let value, _, let low, let high):
      alike(value, low)
      alike(value, high)
    case .inList(let value, _, let list):
      for item in list { alike(value, item) }
    case .inSelect(let value, _, let select):
      note(value, type(select))
      walk(select)
    case .inTable(let value, _, _, _, let arguments):
      walk(value)
      for argument in arguments ?? [] { walk(argument) }
    case .exists(let select), .subquery(let select): walk(select)
    case .row(let values): for value in values { walk(value) }
    case .cast(let inner, let name): note(inner, DeclaredTypes.arrowType(name.text, .any)?.parameterType)
    case .conditional(let operand, let whens, let otherwise):
      for when in whens {
        if let operand { alike(operand, when.condition) } else { walk(when.condition) }
        walk(when.result)
      }
      walk(otherwise)
    case .call(let call): walk(call)
    }
  }

  private mutating func walk(_ call: FunctionCall) {
    switch call.name.text.lowercased() {
    case "coalesce", "ifnull", "nullif", "iif":
      var known: DataType?
      for argument in call.arguments where known == nil { known = type(argument) }
      for argument in call.arguments { note(argument, known) }
    case "upper", "lower", "length", "trim", "ltrim", "rtrim", "instr", "replace", "date", "time", "datetime",
      "julianday", "strftime", "unixepoch":
      for argument in call.arguments { note(argument, .utf8) }
    case "substr", "substring":
      for (i, argument) in call.arguments.enumerated() { note(argument, i == 0 ? .utf8 : .int64) }
    default: for argument in call.arguments { walk(argument) }
    }
    walk(call.filter)
  }

  /// The type of an expression's values, where columns and literals tell.
  private func type(_ expression: Expression) -> DataType? {
    switch expression.node {
    case .column(_, let table, let name): return column(name.text, of: table?.text)
    case .literal(.integer): return .int64
    case .literal(.real): return .float64
    case .literal(.text): return .utf8
    case .literal(.blob): return .binary
    case .collate(let inner, _), .unary(.plus, let inner), .unary(.negate, let inner): return type(inner)
    case .cast(_, let name): return DeclaredTypes.arrowType(name.text, .any)?.parameterType
    case .binary(.concatenate, _, _): return .utf8
    case .binary(.add, let a, let b), .binary(.subtract, let a, let b), .binary(.multiply, let a, let b):
      guard let x = type(a), let y = type(b) else { return nil }
      return x.isWhole && y.isWhole ? .int64 : .float64
    case .subquery(let select): return type(select)
    case .call(let call):
      switch call.name.text.lowercased() {
      case "count", "length", "instr", "unixepoch": return .int64
      case "upper", "lower", "trim", "substr", "replace", "date", "time", "datetime", "strftime": return .utf8
      case "avg", "total", "julianday": return .float64
      case "sum", "min", "max", "abs": return call.arguments.first.flatMap { type($0) }
      default: return nil
      }
    default: return nil
    }
  }

  /// The type of a subquery's only column.
  private func type(_ select: Select) -> DataType? {
    guard case .select(let body) = select.first, body.columns.count == 1,
      case .expression(let expression, _, _) = body.columns[0]
    else { return nil }
    return type(expression)
  }
}

extension CatalogColumn {
  /// The type of a parameter that stands for a value of the column.
  fileprivate var parameterType: DataType? {
    if let field { return field.type.parameterType }
    return declaredType.flatMap { DeclaredTypes.arrowType($0, storage) }?.parameterType
  }
}

extension DataType {
  fileprivate var isWhole: Bool {
    switch self {
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .bool: true
    default: false
    }
  }

  /// A type that drivers have a way to bind values to; nil where there is none.
  fileprivate var parameterType: DataType? {
    switch self {
    case .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64, .float32, .float64, .utf8,
      .binary, .date32, .date64, .time32, .time64, .timestamp, .decimal128, .decimal256:
      self
    case .float16: .float32
    case .largeUtf8, .utf8View: .utf8
    case .largeBinary, .binaryView, .fixedSizeBinary: .binary
    case .dictionary(_, let values, _): values.parameterType
    default: nil
    }
  }
}
