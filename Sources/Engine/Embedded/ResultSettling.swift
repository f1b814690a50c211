// What the columns of a result are, settled before the first row: from the types of tables, from static typing, and where neither tells,
// from the rows themselves.

import Arrow
import SQL
import SQLite
import Tables

/// Everything about a statement that does not depend on the connection.
struct SettledStatement: Sendable {
  let sql: String
  let kind: SQL.Statement.Kind?
  let parameters: Schema
  let parameterNames: [String?]
  /// Nil for a statement without rows.
  var result: Schema?
  /// Columns whose type only rows, or the parameters, can tell; until then they are text.
  let open: [Int]
  let isReadOnly: Bool
  /// The statement as the columnar executor wants it.
  let bound: BoundStatement?
  /// The statement that an EXPLAIN QUERY PLAN is about.
  let explained: String?
  /// Why it has no `bound`.
  let unboundReason: String?
  /// The state of the schema that this is true of.
  let schemaVersion: Int64

  /// What was known before any row: what has to stay true.
  var told: [Field?] { (result?.fields ?? []).enumerated().map { open.contains($0) ? nil : $1 } }

  /// Whether it may change what tables there are.
  var changesSchema: Bool {
    switch kind {
    case .select, .insert, .update, .delete: false
    default: !isReadOnly
    }
  }

  init(
    _ sql: String, parsed: SQL.Statement?, _ statement: SQLite.Statement, _ tables: TableSession,
    schemaVersion: Int64 = 0
  ) {
    self.sql = sql
    self.schemaVersion = schemaVersion
    kind = parsed?.kind
    isReadOnly = statement.isReadOnly
    explained = parsed?.explain == .queryPlan ? SettledStatement.withoutWords(3, sql) : nil
    parameterNames = (0..<statement.parameterCount).map { statement.parameterName($0 + 1) }
    let types = parsed.map { ParameterTypes.types(of: $0, SchemaReader(tables)) } ?? [:]
    parameters = Schema(
      parameterNames.enumerated().map { i, name in Field(name ?? "\(i + 1)", types[i + 1] ?? .null) })
    var columns: [BoundResultColumn]?
    var select: BoundStatement?
    var reason: String?
    if let parsed {
      do throws(SQLError) {
        let statement = try Binder.bind(parsed, text: sql, catalog: SchemaReader(tables))
        switch statement.kind {
        case .select(let bound):
          select = statement
          columns = bound.columns
        case .change(_, let returning): columns = returning
        case .other: reason = "it is no SELECT"
        }
      } catch {
        reason = error.message
      }
    }
    bound = select
    unboundReason = reason
    guard statement.columnCount > 0 else {
      result = nil
      open = []
      return
    }
    if explained != nil {
      result = SettledStatement.queryPlan
      open = []
      return
    }
    if columns?.count != statement.columnCount { columns = nil }
    var fields: [Field] = []
    var open: [Int] = []
    for i in 0..<statement.columnCount {
      let settled = SettledStatement.field(i, columns?[i], statement, tables)
      if settled == nil { open.append(i) }
      fields.append(settled ?? Field(statement.columnName(i), .utf8))
    }
    result = Schema(fields)
    self.open = open
  }

  /// What EXPLAIN QUERY PLAN answers.
  static let queryPlan = Schema([
    Field("id", .int64), Field("parent", .int64), Field("notused", .int64), Field("detail", .utf8),
  ])

  /// A text without its first words.
  private static func withoutWords(_ count: Int, _ sql: String) -> String {
    var rest = Substring(sql)
    for _ in 0..<count { rest = rest.drop(while: \.isWhitespace).drop { !$0.isWhitespace } }
    return String(rest)
  }

  /// The field of a result column; nil when its type is open.
  private static func field(
    _ column: Int, _ bound: BoundResultColumn?, _ statement: SQLite.Statement, _ tables: TableSession
  ) -> Field? {
    let name = statement.columnName(column)
    if let bound {
      if let field = bound.type.field { return Field(name, field.type, metadata: field.metadata) }
      if let declared = bound.type.declared, let type = DeclaredTypes.arrowType(declared, bound.type.classes)
      {
        return Field(name, type)
      }
      return resultField(for: bound.type).map { Field(name, $0) }
    }
    // What the front end does not model, SQLite may still know the origin of.
    if let origin = statement.origin(column) {
      if let schema = try? tables.publishedSchema(of: origin.table),
        let field = schema.fields.first(where: { $0.name.lowercased() == origin.column.lowercased() })
      {
        return Field(name, field.type, metadata: field.metadata)
      }
      if let declared = statement.declaredType(column) {
        return DeclaredTypes.arrowType(declared, .any).map { Field(name, $0) }
      }
    }
    return nil
  }

  /// Settles the open columns by the first values that some rows have in them.
  mutating func settle(by rows: [[SQLValue]]) {
    guard var fields = result?.fields else { return }
    for column in open {
      var classes: StorageClasses = []
      for row in rows { classes.insert(StorageClasses(row[column])) }
      classes.remove(.null)
      // Of what is mixed text holds the most; text among blobs is bytes as well.
      fields[column].type =
        resultField(for: StaticType(classes)) ?? (classes == [.text, .blob] ? .binary : .utf8)
    }
    result = Schema(fields)
  }
}

extension StorageClasses {
  init(_ value: SQLValue) {
    self =
      switch value {
      case .null: .null
      case .integer: .integer
      case .real: .real
      case .text: .text
      case .blob: .blob
      }
  }
}

/// Arrow types of columns of ordinary tables, by the types that they were declared with.
enum DeclaredTypes {
  /// The closest Arrow type; nil when the declaration says nothing of the values. `classes` are those that the values can have at all.
  static func arrowType(_ declared: String, _ classes: StorageClasses) -> DataType? {
    let (name, arguments) = parts(declared)
    switch name {
    case "BOOLEAN", "BOOL": return .bool
    case "TINYINT", "INT1", "BYTE": return .int64
    case "FLOAT", "FLOAT4", "REAL", "DOUBLE", "DOUBLE PRECISION", "FLOAT8": return .float64
    case "DATE": return .date32
    case "TIME": return .time64(.microsecond)
    case "TIMESTAMP", "DATETIME", "TIMESTAMP WITHOUT TIME ZONE": return .timestamp(.microsecond, zone: nil)
    case "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE": return .timestamp(.microsecond, zone: "UTC")
    case "DECIMAL", "NUMERIC", "DEC":
      // Without a precision the values may have any number of digits.
      guard let precision = arguments.first, (1...38).contains(precision) else { return nil }
      let scale = arguments.count > 1 ? arguments[1] : 0
      guard scale >= 0, scale <= precision else { return nil }
      return .decimal128(precision: precision, scale: scale)
    default: break
    }
    switch Affinity.declared(name) {
    case .integer: return .int64
    case .text: return .utf8
    case .real: return .float64
    case .blob: return declared.isEmpty ? nil : .binary
    case .numeric: return nil
    }
  }

  /// The name in upper case with single spaces, and the numbers in parentheses.
  private static func parts(_ declared: String) -> (name: String, arguments: [Int]) {
    let upper = declared.uppercased()
    guard let open = upper.firstIndex(of: "(") else {
      return (upper.split(separator: " ").joined(separator: " "), [])
    }
    let inside = upper[upper.index(after: open)...].prefix { $0 != ")" }
    let behind = upper[open...].drop { $0 != ")" }.dropFirst()
    let name = (upper[..<open] + " " + behind).split(separator: " ").joined(separator: " ")
    return (name, inside.split(separator: ",").compactMap { Int($0.filter { $0 != " " }) })
  }
}
