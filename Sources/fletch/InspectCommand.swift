// fletch inspect: what is in a file, and what reading it will cost.

import Arrow
import ArrowIPC
import Glibc
import Memory

let inspectCommand = Command(
  name: "inspect", operands: "FILE", summary: "Show a file's schema, batches, codec, nulls and layout.",
  discussion: """
    FILE is an Arrow IPC file (Feather V2) or stream; '-' is standard input. 'maps' says whether reading it
    copies nothing: its buffers are neither compressed nor misaligned.
    """,
  options: [
    Option("check", "Also check every value: offsets, indices, UTF-8, decimals."),
    Option("json", "Print one JSON object."), SharedOptions.threads, SharedOptions.memoryLimit,
  ],
  run: { arguments in
    let path = try arguments.operands("FILE")[0]
    let report = try InspectReport(
      path: path, options: try SharedOptions.readOptions(arguments), check: arguments.has("check"))
    try printOutput(arguments.has("json") ? report.json : report.text)
  })

/// Everything that `inspect` tells.
struct InspectReport {
  private struct ColumnReport {
    let field: Field
    var nulls = 0
    var bytes = 0
  }

  private let path: String
  private let format: ContainerFormat
  private let size: Int
  private var version = MetadataVersion.v5
  private let schema: Schema
  private let footer: Metadata
  private var rows = 0
  private var batches = 0
  private var smallest = Int.max
  private var largest = 0
  private var codecs: Set<Codec?> = []
  private var alignment = 64
  private let copied: Int
  private var columns: [ColumnReport]
  private let isChecked: Bool

  init(path: String, options: ReadOptions, check: Bool) throws(DataError) {
    self.path = path
    isChecked = check
    var (reader, format, size) = try openBatches(path: path, options: options)
    self.format = format
    self.size = size
    schema = reader.schema
    footer = (reader as? FileBatchReader)?.file.metadata ?? Metadata()
    columns = schema.fields.map { ColumnReport(field: $0) }
    do throws(DataError) {
      while let batch = try reader.next() {
        // Counting bytes follows offsets, which must be inside for that.
        try batch.check(check ? .full : .access)
        rows += batch.count
        batches += 1
        smallest = min(smallest, batch.count)
        largest = max(largest, batch.count)
        for (i, column) in batch.columns.enumerated() {
          columns[i].nulls += column.nullCount
          columns[i].bytes += column.byteCount
        }
        if let info = reader.lastInfo {
          codecs.insert(info.codec)
          version = info.version
          alignment = min(alignment, info.alignment)
        }
      }
    } catch {
      // A file says itself which of its batches it is.
      throw error.within(
        format == .file && error.message.hasPrefix("batch ") ? "'\(path)'" : "'\(path)', batch \(batches)")
    }
    copied = reader.counters.bytesCopied
  }

  private var codecName: String {
    let names = codecs.map { $0?.description ?? "none" }.sorted()
    return names.isEmpty ? "none" : names.joined(separator: " and ")
  }

  private var isCompressed: Bool { codecs.contains { $0 != nil } }
  private var maps: Bool { !isCompressed && copied == 0 }

  // MARK: Text

  var text: String {
    var lines: [(String, String)] = [
      ("file", path),
      (
        "format",
        (format == .file ? "Arrow IPC file (Feather V2)" : "Arrow IPC stream") + ", metadata \(version)"
      ),
    ]
    if size > 0 {
      lines.append(
        ("size", size < 1024 ? readableBytes(size) : "\(readableBytes(size)) (\(size.grouped) bytes)"))
    }
    lines.append(("rows", rows.grouped))
    lines.append(("batches", batches == 0 ? "0" : "\(batches.grouped), of \(batchSizes) rows"))
    lines.append(("codec", codecName))
    lines.append(("alignment", batches == 0 ? "-" : "\(alignment) bytes"))
    lines.append(("maps", mapsText))
    if isChecked { lines.append(("check", "every value is valid")) }
    var text = ""
    for (name, value) in lines { text += name.padded(to: 11) + value + "\n" }
    text += metadataText("schema metadata", schema.metadata, indent: "")
    text += metadataText("footer metadata", footer, indent: "")
    return text + "\n" + tableText
  }

  private var batchSizes: String {
    smallest == largest ? smallest.grouped : "\(smallest.grouped) to \(largest.grouped)"
  }

  private var mapsText: String {
    if maps { return "yes, reading copies nothing" }
    return isCompressed
      ? "no, it is compressed" : "no, \(copied.grouped) bytes are misaligned and must be copied"
  }

  private func metadataText(_ title: String, _ metadata: Metadata, indent: String) -> String {
    guard !metadata.isEmpty else { return "" }
    var text = "\(indent)\(title)\n"
    for entry in metadata.entries {
      text += "\(indent)  \(InspectReport.readable(entry.key)) = \(InspectReport.readable(entry.value))\n"
    }
    return text
  }

  /// Bytes as text on one line of a bounded length, without control characters.
  private static func readable(_ bytes: [UInt8]) -> String {
    let text = String(decoding: bytes, as: UTF8.self)
    return String(text.unicodeScalars.prefix(200)).withoutControls
      + (text.unicodeScalars.count > 200 ? "… (\(bytes.count.grouped) bytes)" : "")
  }

  private var tableText: String {
    var table = [["#", "column", "type", "nullable", "nulls", "bytes"]]
    for (i, column) in columns.enumerated() {
      table.append([
        "\(i)", InspectReport.readable(Array(column.field.name.utf8)), "\(column.field.type)".withoutControls,
        column.field.isNullable ? "yes" : "no", column.nulls.grouped, column.bytes.grouped,
      ])
    }
    // A type may be very long; the columns behind it are better ragged than far away.
    let widths = (0..<6).map { i in min(table.map { $0[i].count }.max()!, i == 2 ? 48 : 40) }
    var text = ""
    for (i, row) in table.enumerated() {
      var line = ""
      for (j, cell) in row.enumerated() {
        line += (j == 0 || j >= 4 ? cell.leftPadded(to: widths[j]) : cell.padded(to: widths[j])) + "  "
      }
      while line.last == " " { line.removeLast() }
      text += line + "\n"
      if i > 0 { text += metadataText("metadata", columns[i - 1].field.metadata, indent: "     ") }
    }
    return text
  }

  // MARK: JSON

  var json: String {
    var text: [UInt8] = []
    func add(_ literal: String) { text.append(contentsOf: literal.utf8) }
    func add(string: String) { JSONText.appendString(string, to: &text) }
    func add(_ metadata: Metadata) {
      add("{")
      for (i, entry) in metadata.entries.enumerated() {
        if i > 0 { add(",") }
        add(string: String(decoding: entry.key, as: UTF8.self))
        add(":")
        add(string: String(decoding: entry.value, as: UTF8.self))
      }
      add("}")
    }
    add(
      "{\"format\":\"\(format.rawValue)\",\"metadataVersion\":\"\(version)\",\"size\":\(size),\"rows\":\(rows),"
    )
    add(
      "\"batches\":\(batches),\"codec\":\"\(codecName)\",\"alignment\":\(alignment),\"maps\":\(maps),\"schemaMetadata\":"
    )
    add(schema.metadata)
    add(",\"footerMetadata\":")
    add(footer)
    add(",\"columns\":[")
    for (i, column) in columns.enumerated() {
      add(i > 0 ? ",{\"name\":" : "{\"name\":")
      add(string: column.field.name)
      add(",\"type\":")
      add(string: "\(column.field.type)")
      add(
        ",\"nullable\":\(column.field.isNullable),\"nulls\":\(column.nulls),\"bytes\":\(column.bytes),\"metadata\":"
      )
      add(column.field.metadata)
      add("}")
    }
    add("]}\n")
    return String(decoding: text, as: UTF8.self)
  }
}
