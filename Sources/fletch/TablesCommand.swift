// fletch tables: what a database or some files hold.

import Arrow
import Engine
import Memory
import Printing

let tablesCommand = Command(
  name: "tables", operands: "[TABLE…|FILE…]",
  summary: "List the tables of a database or of files, or their columns.",
  discussion: """
    With --database, operands are tables, whose columns are listed. Without, they are files and folders,
    which are looked at as 'fletch sql' would.

    Kinds are published (columns in segments), rows (an ordinary SQLite table) and view. Of a published
    table, delta counts rows that SQL has inserted or updated since the segments were written, and gone
    those rows of segments that it has deleted or replaced; 'fletch compact' writes the segments anew.
    """,
  options: [
    Workspace.database, Option("columns", "List columns: their Arrow types, and what they are to SQL."),
    Option("format", "FORM", "table (default), csv or json."),
  ],
  run: { arguments in
    let format = try arguments.choice("format", of: ResultFormat.self) ?? .table
    guard format != .arrow else { throw UsageError("option '--format' takes table, csv or json here") }
    let isDatabase = arguments.has("database")
    if !isDatabase, arguments.operands.isEmpty {
      throw UsageError("give files, or --database DIR")
    }
    try Workspace.run(arguments) { workspace in
      if !isDatabase { try workspace.publish(try Workspace.sources(arguments.operands)) }
      var found = try workspace.session.storage(workspace.control())
      let wanted = isDatabase ? arguments.operands : []
      if !wanted.isEmpty {
        found = try wanted.map { name in
          guard let table = found.first(where: { $0.name.lowercased() == name.lowercased() }) else {
            throw DataError(.invalid, "there is no table '\(name)'")
          }
          return table
        }
      }
      if arguments.has("columns") || !wanted.isEmpty {
        try print(try columnRows(found.map(\.name), workspace), format)
      } else {
        try print(try storageRows(found), format)
      }
      let problems = found.compactMap { table in table.problem.map { "table '\(table.name)': \($0)" } }
      if !problems.isEmpty { throw ReportedError(problems.joined(separator: "\n").safeLines) }
    }
  })

private func print(_ batch: RecordBatch, _ format: ResultFormat) throws(DataError) {
  let output = DescriptorSink(.standardOutput, name: "standard output")
  let options = ResultOptions(terminalWidth: terminalWidth(), usesStyles: false)
  // makeWriter has one for every form but Arrow.
  var writer = format.makeWriter(to: output, options)!
  try writer.begin(batch.schema)
  try writer.append(batch)
  try writer.end()
}

private func storageRows(_ tables: [TableStorage]) throws(DataError) -> RecordBatch {
  try textBatch(
    ("table", .utf8, tables.map(\.name)), ("kind", .utf8, tables.map(\.kind.rawValue)),
    ("columns", .int64, tables.map { "\($0.columnCount)" }),
    ("rows", .int64, tables.map { $0.rowCount.map(String.init) }),
    ("bytes", .int64, tables.map { $0.byteCount.map(String.init) }),
    ("segments", .int64, tables.map { $0.segmentCount.map(String.init) }),
    ("delta", .int64, tables.map { $0.deltaCount.map(String.init) }),
    ("gone", .int64, tables.map { $0.tombstoneCount.map(String.init) }))
}

private func columnRows(_ names: [String], _ workspace: Workspace) throws -> RecordBatch {
  let tables = try workspace.session.tables(withColumns: true)
  let rows = names.flatMap { name in
    (tables.first { $0.name == name }?.columns ?? []).map { (name, $0) }
  }
  return try textBatch(
    ("table", .utf8, rows.map(\.0)), ("column", .utf8, rows.map(\.1.field.name)),
    ("type", .utf8, rows.map { "\($0.1.field.type)" }),
    ("SQL", .utf8, rows.map { $0.1.declaredType.isEmpty ? nil : $0.1.declaredType }),
    ("nullable", .bool, rows.map { "\($0.1.field.isNullable)" }))
}

/// Columns of values that are there as text.
func textBatch(_ columns: (name: String, type: DataType, values: [String?])...) throws(DataError)
  -> RecordBatch
{
  var built: [Column] = []
  for column in columns {
    let builder = column.type.makeBuilder()
    for value in column.values {
      if let value { try builder.append(text: Array(value.utf8).span.bytes) } else { builder.appendNull() }
    }
    built.append(builder.finish())
  }
  return try RecordBatch(schema: Schema(columns.map { Field($0.name, $0.type) }), columns: built)
}
