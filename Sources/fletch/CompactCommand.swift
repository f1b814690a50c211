// fletch compact: what SQL has changed, folded into the columns.

import Engine
import Memory
import Tables

let compactCommand = Command(
  name: "compact", operands: "[TABLE…]", summary: "Fold changes into the segments of published tables.",
  discussion: """
    Rows that SQL has inserted, updated or deleted are kept beside a table's segments. This writes the
    segments anew with them, and merges small ones: of the tables named, or of all. Queries see the same
    rows as before; 'fletch tables' shows what there is to fold in.
    """,
  options: [Workspace.database, SharedOptions.quiet],
  run: { arguments in
    guard arguments.has("database") else {
      throw UsageError("option '--database DIR' says where the tables are")
    }
    try Workspace.run(arguments) { workspace in
      let names =
        arguments.operands.isEmpty
        ? try workspace.engine.publishedTables(workspace.control()) : arguments.operands
      for name in names {
        let report = try workspace.engine.compact(name, workspace.control())
        if !arguments.has("quiet") { printError("\(name): \(report.text)\n".safeLines) }
      }
    }
  })

extension CompactionReport {
  fileprivate var text: String {
    if rowsWritten == 0, deltaRows == 0, tombstones == 0, segmentsBefore == segmentsAfter {
      return "nothing to do"
    }
    let changes = "\(deltaRows.grouped) changed and \(tombstones.grouped) gone rows folded in"
    let segments = "\(segmentsAfter) segment\(segmentsAfter == 1 ? "" : "s") of \(readableBytes(bytesAfter))"
    return "\(changes), \(segments) instead of \(segmentsBefore) of \(readableBytes(bytesBefore))"
  }
}
