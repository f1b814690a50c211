// How far a statement of SQLite's is, by where its outermost scan is.

import SQL
import SQLite
import Tables

extension RowStream {
  /// Reports from now on how far the statement is. Nothing is told of what scans no table, such as a recursion.
  func report(to progress: StatementProgress?) {
    // On a connection that is shared other statements run in between.
    guard let progress, !borrowed.isPrivate else { return }
    let connection = borrowed.connection
    guard let scans = try? ScanList(sql, connection.connection) else { return }
    if scans.published > 0 {
      connection.tables.positions = ScanPositions(scans: scans.published) { progress.report($0) }
    } else if scans.ordinaryRows > 0 {
      let (before, rows) = (statement.fullScanSteps, Double(scans.ordinaryRows))
      // SAFETY (unowned): the connection forgets it before the statement goes back to it.
      connection.onProgress = { [unowned statement] in
        progress.report(Double(statement.fullScanSteps - before) / rows)
      }
    }
  }
}

/// What a statement scans, by its program.
private struct ScanList {
  /// How many scans of published tables it has.
  var published = 0
  /// About how many rows the tables of SQLite's own have that are scanned as a whole.
  var ordinaryRows = 0

  init(_ sql: String, _ connection: Connection) throws(SQLiteError) {
    var roots: [Int64: Int64] = [:]
    var whole: Set<Int64> = []
    (published, ordinaryRows) = try connection.unauthorized { () throws(SQLiteError) in
      var published = 0
      let program = try connection.prepare("EXPLAIN \(sql)")
      while try program.step() {
        let cursor = program.integer(2)
        switch program.text(1) {
        case "VOpen": published += 1
        case "OpenRead": roots[cursor] = program.integer(3)
        case "Rewind", "Last": whole.insert(cursor)
        default: break
        }
      }
      var rows = 0
      for cursor in whole {
        guard let root = roots[cursor],
          case .text(let name)? = try connection.value(
            "SELECT tbl_name FROM sqlite_schema WHERE rootpage = ?1", .integer(root)),
          // Tables without row ids have none to count by.
          case .integer(let last)? = try? connection.value("SELECT max(rowid) FROM \(quoted(name))")
        else { continue }
        rows += Int(clamping: last)
      }
      return (published, rows)
    }
  }
}
