// fletch publish --to: files loaded into a table of a Flight SQL server.

import Arrow
import ArrowIPC
import FlightSQL
import GRPC
import Memory
import Tables

/// Streams the files into one table, all of them or none.
func publishRemotely(
  _ files: [String], to uri: String, as name: String, _ mode: PublishMode, _ arguments: Arguments,
  totalRows: Int?
) throws {
  for word in ["database", "in-place"] where arguments.has(word) {
    throw UsageError("options '--to' and '--\(word)' exclude each other")
  }
  let client = FlightSQLClient(try ConnectionOptions.client(uri, arguments))
  defer { client.close() }
  var reader = try openBatches(path: files[0]).reader
  let schema = reader.schema
  let command = CommandStatementIngest(
    table: name, ifNotExist: .create,
    ifExists: mode == .replace ? .replace : mode == .createOrAppend ? .append : .fail,
    options: arguments.has("rows") ? ["fletch.rows": "true"] : [:])
  var progress = ProgressBar(total: totalRows, isQuiet: arguments.has("quiet"))
  defer { progress.finish() }
  let ingest = try client.ingest(command, schema)
  let taken: Int64
  do {
    for (i, file) in files.enumerated() {
      if i > 0 {
        reader = try openBatches(path: file).reader
        guard reader.schema.fields == schema.fields else {
          throw DataError(.invalid, "'\(file)' has other columns than '\(files[0])'")
        }
      }
      while let batch = try reader.next() {
        try batch.check(.access)
        try ingest.write(batch)
        progress.advance(rows: batch.count)
      }
    }
    taken = try ingest.finish()
  } catch let status as GRPCStatus where status.code == .alreadyExists && mode == .create {
    // The server may say so as soon as it is asked, or in the end.
    throw DataError(.invalid, "\(status.message); use --append or --replace")
  } catch {
    // What was sent must not become a table that looks complete.
    ingest.cancel()
    throw error
  }
  if arguments.has("quiet") { return }
  let rows = taken < 0 ? progress.rows : Int(taken)
  let rate = Int(Double(rows) / max(progress.seconds, 0.001))
  printError(
    "\(name): \(rows.grouped) row\(rows == 1 ? "" : "s"), \(rate.grouped) rows/s\n".withoutNewlineControls)
}

extension String {
  /// A line without what could steer a terminal, but for its end.
  fileprivate var withoutNewlineControls: String { String(dropLast()).withoutControls + "\n" }
}
