// The entrance of the binder: a statement and a catalog in, a bound statement out.

/// Resolves names and types by SQLite's rules. What it does not model it refuses with `.unsupported`, never guesses.
public struct Binder {
  /// Binds a statement that `Statement(text)` or a `StatementReader` gave.
  public static func bind(
    _ statement: Statement, text: String, catalog: any Catalog
  ) throws(SQLError) -> BoundStatement {
    let work = Binding(catalog: catalog, text: Array(text.utf8))
    let kind: BoundStatement.Kind
    switch statement.kind {
    case _ where statement.explain != .none: kind = .other
    case .select(let select): kind = .select(try work.bind(select, parent: nil, CommonTables(outer: nil)))
    case .insert(let insert): kind = try work.change(insert.table, insert.returning)
    case .update(let update): kind = try work.change(update.table, update.returning)
    case .delete(let delete): kind = try work.change(delete.table, delete.returning)
    default: kind = .other
    }
    return BoundStatement(kind: kind, features: work.features, parameters: statement.parameters)
  }
}

/// How many queries and sources a statement may come to, views and repetitions counted: a few nested views name each other's columns
/// millions of times.
final class Budget {
  private var left = 20_000

  func spend(at offset: Int) throws(SQLError) {
    left -= 1
    if left < 0 { throw .unsupported("a statement of so many queries", at: offset) }
  }
}

/// One statement, or one view within it, while it is being bound.
final class Binding {
  let catalog: any Catalog
  /// The text that offsets are about: the statement's or the view's.
  let text: [UInt8]
  /// The schema of the view that this is, which unqualified names prefer.
  let viewSchema: String?
  /// Views that are being bound, to find one that uses itself.
  let views: [String]
  var features: Features = []
  var recursions = 0
  var subqueries = 0

  let budget: Budget

  init(
    catalog: any Catalog, text: [UInt8], viewSchema: String? = nil, views: [String] = [],
    budget: Budget = Budget()
  ) {
    self.budget = budget
    self.catalog = catalog
    self.text = text
    self.viewSchema = viewSchema
    self.views = views
  }

  func string(_ range: SourceRange) -> String {
    String(decoding: text[range.offset..<Int(range.end)], as: UTF8.self)
  }

  /// INSERT, UPDATE and DELETE: the table, and what RETURNING gives.
  func change(_ target: TargetTable, _ returning: [ResultColumn]) throws(SQLError) -> BoundStatement.Kind {
    let name = target.name.name
    guard let relation = try catalog.relation(schema: target.name.schema?.text, name: name.text) else {
      throw noSuchTable(target.name.schema, name)
    }
    guard !returning.isEmpty else { return .change(relation, returning: []) }
    let scope = Scope(parent: nil)
    if case .view = relation.kind { throw .unsupported("RETURNING of a view", at: name.range.offset) }
    // Its columns are known by the table's own name, also where there is an alias.
    scope.sources = [source(relation, name: target.alias?.text ?? relation.name)]
    scope.places = [Scope.Place(join: Join(kind: .comma, isNatural: false))]
    for column in returning {
      if case .tableStar(let table) = column {
        throw SQLError(.misuse, "RETURNING may not use \"TABLE.*\" wildcards", at: table.range.offset)
      }
    }
    try expand(returning, scope)
    var columns: [BoundResultColumn] = []
    for (number, result) in scope.results.enumerated() {
      let expression = try self.result(result, scope, CommonTables(outer: nil))
      columns.append(resultColumn(result, expression, number, scope))
    }
    return .change(relation, returning: columns)
  }

  func noSuchTable(_ schema: Name?, _ name: Name) -> SQLError {
    let full = schema.map { "\($0.text).\(name.text)" } ?? name.text
    return SQLError(.noSuchTable, "no such table: \(full)", at: (schema ?? name).range.offset)
  }
}
