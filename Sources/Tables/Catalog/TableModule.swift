// The module of published tables on one connection.

import Arrow
import Memory
import SQLite

/// Opens published tables by their number: `CREATE VIRTUAL TABLE "name" USING fletch(number)`.
final class TableModule: VirtualTableModule {
  static let name = "fletch"

  let catalog: Catalog
  /// Set while Fletch itself makes a virtual table; nobody else may.
  var mayCreate = false
  /// What the open transaction has added to the catalog or taken out.
  var touched: [TouchedSegment] = []
  /// Where scans are, while somebody asks.
  @exclusivity(unchecked) var positions: ScanPositions?
  private var tables: [Unowned] = []

  private struct Unowned {
    weak var table: PublishedTable?
  }

  init(catalog: Catalog, connection: Connection) {
    self.catalog = catalog
    super.init(connection: connection)
  }

  override func connect(
    schema: String, name: String, arguments: [String], creates: Bool
  ) throws(SQLiteError) -> (table: VirtualTable, declaration: String) {
    guard !creates || mayCreate else {
      throw SQLiteError(
        .error,
        "publish a file or a stream to make such a table; '\(TableModule.name)' takes no arguments of users")
    }
    guard arguments.count == 1, let id = Int64(arguments[0]) else {
      throw SQLiteError(.corrupt, "the declaration of table '\(name)' is damaged")
    }
    let (_, arrowSchema) = try catalog.table(id, on: connection)
    let table = PublishedTable(id: id, name: name, schema: arrowSchema, module: self)
    tables.removeAll { $0.table == nil }
    tables.append(Unowned(table: table))
    let columns = arrowSchema.fields.map {
      "\(quoted($0.name)) \($0.type.declaredSQLType)\($0.isNullable ? "" : " NOT NULL")"
    }
    return (table, "CREATE TABLE x(\(columns.joined(separator: ", ")))")
  }

  /// Nothing of the connection is running any more.
  func unpin() {
    for entry in tables { entry.table?.unpin() }
  }

  /// Throws when a file that statements may be reading was changed.
  func checkSources() throws(DataError) {
    for entry in tables {
      guard let table = entry.table else { continue }
      for snapshot in table.pinned {
        for placed in snapshot.segments { try placed.segment.checkUnchanged() }
      }
    }
  }

  func table(_ id: Int64) -> PublishedTable? { tables.last { $0.table?.id == id }?.table }
}

extension Connection {
  /// The module of published tables that this connection has.
  var module: TableModule? { firstRegistration(of: TableModule.self) }
}
