// What SQLite says of a statement's columns and of the classes of their values.

import CSQLite

@testable import SQL

extension OracleDatabase {
  struct Answer {
    struct Column {
      var name: String
      /// Of the table that the column comes from.
      var table: String?
      var origin: String?
      /// Every class that a value had.
      var classes: StorageClasses
    }
    var columns: [Column]
    var rows: Int
    /// What stopped it, if anything did.
    var fault: String?
  }

  /// Prepares and runs a statement, for 500 rows and some ten million steps at most; nil if it cannot be prepared.
  func answer(_ sql: String) -> Answer? {
    var statement: OpaquePointer?
    guard sqlite3_prepare_v2(connection, sql, -1, &statement, nil) == SQLITE_OK else { return nil }
    defer { sqlite3_finalize(statement) }
    for number in 0..<sqlite3_bind_parameter_count(statement) {
      sqlite3_bind_int(statement, number + 1, number)
    }
    func text(_ pointer: UnsafePointer<CChar>?) -> String? { pointer.map { String(cString: $0) } }
    var answer = Answer(
      columns: (0..<sqlite3_column_count(statement)).map { column in
        Answer.Column(
          name: text(sqlite3_column_name(statement, column)) ?? "",
          table: text(sqlite3_column_table_name(statement, column)),
          origin: text(sqlite3_column_origin_name(statement, column)), classes: [])
      }, rows: 0)
    sqlite3_progress_handler(connection, 10_000_000, { _ in 1 }, nil)
    while answer.rows < 500 {
      let code = sqlite3_step(statement)
      guard code == SQLITE_ROW else {
        if code != SQLITE_DONE { answer.fault = message }
        break
      }
      answer.rows += 1
      for column in answer.columns.indices {
        let type: StorageClasses =
          switch sqlite3_column_type(statement, Int32(column)) {
          case SQLITE_INTEGER: .integer
          case SQLITE_FLOAT: .real
          case SQLITE_TEXT: .text
          case SQLITE_BLOB: .blob
          default: .null
          }
        answer.columns[column].classes.formUnion(type)
      }
    }
    return answer
  }

  /// The rows of a query as text.
  func texts(_ sql: String) -> [[String?]] {
    var statement: OpaquePointer?
    precondition(sqlite3_prepare_v2(connection, sql, -1, &statement, nil) == SQLITE_OK, "\(message): \(sql)")
    defer { sqlite3_finalize(statement) }
    var rows: [[String?]] = []
    while sqlite3_step(statement) == SQLITE_ROW {
      rows.append(
        (0..<sqlite3_column_count(statement)).map { column in
          sqlite3_column_text(statement, column).map { String(cString: $0) }
        })
    }
    return rows
  }
}

/// The tables of an oracle's database, as the binder asks for them.
struct OracleCatalog: Catalog {
  private var relations: [String: Relation] = [:]

  init(_ database: OracleDatabase, fields: [String: [String: CatalogColumn]] = [:]) {
    let lists = database.texts("SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'")
    for list in lists {
      let name = list[0]!
      let sql = database.texts("SELECT sql FROM sqlite_schema WHERE name = '\(name)'").first?[0] ?? nil
      guard list[1] == "table" || list[1] == "view" else { continue }
      if list[1] == "view" {
        guard let sql, case .createView(let view) = (try? Statement(sql))??.kind else { continue }
        let names = view.columns.isEmpty ? nil : view.columns.map(\.text)
        relations[name.sqlFolded] = Relation(
          name: name, kind: .view(sql: sql, columns: names), columns: [], hasRowid: false)
        continue
      }
      let isStrict = list[3] == "1"
      let columns = database.texts(
        "SELECT name, type, \"notnull\", pk, hidden FROM pragma_table_xinfo('\(name)')")
      let keys = columns.filter { $0[3] != "0" }
      var rowid: Int?
      var bound: [CatalogColumn] = []
      for (number, column) in columns.enumerated() {
        let type = column[1] ?? ""
        let isRowid = keys.count == 1 && column[3] == "1" && type.sqlFolded == "integer" && list[2] == "0"
        if isRowid { rowid = number }
        var made = CatalogColumn(
          declared: column[0]!, type, isRowid: isRowid, isStrict: isStrict, isNotNull: column[2] == "1",
          collation: Collation(database.collation(of: column[0]!, in: name)), isHidden: column[4] == "1")
        if let field = fields[name]?[column[0]!] { made = field }
        bound.append(made)
      }
      relations[name.sqlFolded] = Relation(
        name: name, kind: .rows, columns: bound, hasRowid: list[2] == "0", rowidColumn: rowid)
    }
  }

  func relation(schema: String?, name: String) throws(SQLError) -> Relation? {
    if let schema, schema.sqlFolded != "main" { return nil }
    return relations[name.sqlFolded]
  }
}

extension OracleDatabase {
  func collation(of column: String, in table: String) -> String {
    var name: UnsafePointer<CChar>?
    sqlite3_table_column_metadata(connection, "main", table, column, nil, &name, nil, nil, nil)
    return name.map { String(cString: $0) } ?? "BINARY"
  }
}
