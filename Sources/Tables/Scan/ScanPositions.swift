// Where the scans of published tables are that a statement of SQLite's goes through.

/// Follows the outermost scan of a statement: those within it – the inner side of a join, a subquery – begin again and again, and tell
/// nothing. A statement may have several, one after the other. Used by the connection's thread.
public final class ScanPositions {
  private let report: (Double) -> Void
  private var outer: ObjectIdentifier?
  private var inner: Set<ObjectIdentifier> = []
  private var ended = 0
  private var phases: Int

  /// - Parameters:
  ///   - scans: how many scans the statement has in its program.
  ///   - report: hears of the share that was passed.
  public init(scans: Int, report: @escaping (Double) -> Void) {
    phases = max(1, scans)
    self.report = report
  }

  func moved(_ cursor: TableCursor, to row: Int, of rows: Int) {
    let cursor = ObjectIdentifier(cursor)
    if outer == nil { outer = cursor }
    guard outer == cursor else {
      if inner.insert(cursor).inserted { phases = max(ended + 1, phases - 1) }
      return
    }
    report((Double(ended) + Double(row) / Double(max(rows, 1))) / Double(max(phases, ended + 1)))
  }

  func ended(_ cursor: TableCursor) {
    guard outer == ObjectIdentifier(cursor) else { return }
    outer = nil
    ended += 1
  }
}
