// What the fake server keeps: tables in memory, and statements of a few words that stand for SQL.

import Arrow
import GRPC
import Memory

struct FakeTable: Sendable {
  var schema: Schema
  var batches: [RecordBatch]
  var isTemporary = false
}

/// What a statement is, as far as the fake server reads SQL.
enum FakeStatement: Hashable {
  case select(table: String)
  /// `SELECT * FROM people WHERE id = ?`
  case lookUp(table: String)
  case insert(table: String, id: Int64?, name: String?)
  /// `INSERT INTO people VALUES (?, ?)`
  case insertBound(table: String)
  case delete(table: String)
  case create(table: String)
  /// Sends batches until it is cancelled.
  case sleep
  case fail(code: Int, message: String)
  /// Fails after the first batch.
  case failLate
  case parts(Int)
  case poll(Int)

  init(_ sql: String) throws {
    let words = sql.split(whereSeparator: { " ,()\n\t".contains($0) }).map(String.init)
    func word(_ i: Int) -> String { i < words.count ? words[i] : "" }
    switch (word(0).uppercased(), word(1).uppercased()) {
    case ("SELECT", _) where word(2).uppercased() == "FROM":
      let table = word(3).filter { $0 != "\"" }
      self = words.contains("?") ? .lookUp(table: table) : .select(table: table)
    case ("INSERT", "INTO"):
      if words.contains("?") {
        self = .insertBound(table: word(2))
      } else {
        let name = word(5) == "NULL" ? nil : word(5).filter { $0 != "'" }
        self = .insert(table: word(2), id: Int64(word(4)), name: name)
      }
    case ("DELETE", "FROM"): self = .delete(table: word(2))
    case ("CREATE", "TABLE"): self = .create(table: word(2))
    case ("SLEEP", _): self = .sleep
    case ("FAIL", "LATE"): self = .failLate
    case ("FAIL", _):
      self = .fail(code: Int(word(1)) ?? 2, message: words.dropFirst(2).joined(separator: " "))
    case ("PARTS", _): self = .parts(Int(word(1)) ?? 1)
    case ("POLL", _): self = .poll(Int(word(1)) ?? 1)
    default: throw GRPCStatus(.invalidArgument, "near \"\(word(0))\": syntax error")
    }
  }

  var isUpdate: Bool {
    switch self {
    case .insert, .insertBound, .delete, .create: true
    default: false
    }
  }
}

/// Ids and names: the columns of every table that a statement creates.
enum FakeRows {
  static let schema = Schema([Field("id", .int64), Field("name", .utf8)])

  static func batch(_ rows: [(Int64?, String?)]) throws(DataError) -> RecordBatch {
    let ids = FixedBuilder<UInt64>(type: .int64)
    let names = BinaryBuilder<Int32>(type: .utf8)
    for (id, name) in rows {
      if let id { ids.append(UInt64(bitPattern: id)) } else { ids.appendNull() }
      if let name { try names.append(name) } else { names.appendNull() }
    }
    return try RecordBatch(schema: schema, columns: [ids.finish(), names.finish()])
  }
}

struct FakeDatabase: Sendable {
  var tables: [String: FakeTable] = [:]

  init() throws {
    let people = try FakeRows.batch([(1, "Ada"), (2, nil), (3, "Grace")])
    tables["people"] = FakeTable(schema: FakeRows.schema, batches: [people])
    tables["empty"] = FakeTable(schema: FakeRows.schema, batches: [])
    tables["a_b"] = FakeTable(schema: Schema([Field("x", .float64)]), batches: [])
    tables["axb"] = FakeTable(schema: Schema([Field("y", .bool, isNullable: false)]), batches: [])
  }

  func table(_ name: String) throws -> FakeTable {
    guard let table = tables[name] else { throw GRPCStatus(.notFound, "no such table: \(name)") }
    return table
  }

  /// Runs a statement that writes; returns how many rows it changed.
  mutating func update(_ statement: FakeStatement, _ parameters: [RecordBatch] = []) throws -> Int64 {
    switch statement {
    case .insert(let name, let id, let text):
      var table = try table(name)
      table.batches.append(try FakeRows.batch([(id, text)]))
      tables[name] = table
      return 1
    case .insertBound(let name):
      var table = try table(name)
      var count = 0
      for batch in parameters {
        table.batches.append(try RecordBatch(schema: table.schema, columns: batch.columns))
        count += batch.count
      }
      tables[name] = table
      return Int64(count)
    case .delete(let name):
      let table = try table(name)
      tables[name] = FakeTable(schema: table.schema, batches: [])
      return Int64(table.batches.reduce(0) { $0 + $1.count })
    case .create(let name):
      guard tables[name] == nil else { throw GRPCStatus(.alreadyExists, "table \(name) already exists") }
      tables[name] = FakeTable(schema: FakeRows.schema, batches: [])
      return 0
    default: throw GRPCStatus(.invalidArgument, "that is no update")
    }
  }

  /// The rows of a query.
  func rows(_ statement: FakeStatement, _ parameters: [RecordBatch]) throws -> [RecordBatch] {
    switch statement {
    case .select(let name): return try table(name).batches
    case .lookUp(let name):
      var found: [RecordBatch] = []
      for wanted in parameters {
        for row in 0..<wanted.count {
          let key = try wanted.columns[0].key(at: row)
          for batch in try table(name).batches {
            for candidate in 0..<batch.count where try batch.columns[0].key(at: candidate) == key {
              found.append(batch.slice(candidate..<candidate + 1))
            }
          }
        }
      }
      return found
    default: return []
    }
  }

  func schema(_ statement: FakeStatement) throws -> Schema {
    switch statement {
    case .select(let name), .lookUp(let name): try table(name).schema
    case .fail(let code, let message):
      throw GRPCStatus(GRPCStatus.Code(rawValue: code) ?? .unknown, message)
    case .sleep, .failLate, .parts, .poll: FakeRows.schema
    default: Schema([])
    }
  }
}
