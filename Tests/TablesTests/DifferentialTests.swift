// SQLite is the oracle: generated statements on published tables and on ordinary ones of the same values give the same rows.

import Arrow
import Glibc
import Memory
import SQLite
import Samples
import Tables
import Testing

/// How many statements each test runs; `FLETCH_STATEMENTS` in the environment makes it more, `FLETCH_SEED` another sequence.
private let statementCount = getenv("FLETCH_STATEMENTS").flatMap { Int(String(cString: $0)) } ?? 2000
private let firstSeed = getenv("FLETCH_SEED").flatMap { UInt64(String(cString: $0)) } ?? 1

/// Batches of a table: a key, a text and a dictionary with few values each, a real, and some columns more.
private func batches(
  _ types: [DataType], _ random: inout RandomSource, rows: Int
) throws -> [RecordBatch] {
  var fields: [Field] = [
    Field("k", random.pick([.int8, .int16, .int32, .int64, .uint32])),
    Field("s", random.pick([.utf8, .largeUtf8, .utf8View])),
    Field("d", .dictionary(indices: random.pick([.int8, .int16, .uint32]), values: .utf8, isOrdered: false)),
    Field("f", .float64), Field("sorted", random.pick([.int32, .timestamp(.second, zone: nil), .date32])),
  ]
  for (i, type) in types.enumerated() { fields.append(Field("c\(i)", type)) }
  let schema = Schema(fields)
  let words = [
    "", "a", "B", "ab", "Abc", "b c", "Zoë", "日本", "x", "5", "5x", "1.0",
    String(repeating: "long ", count: 12),
  ]
  let fillers = fields.map {
    RandomFiller($0.type, RandomSource(seed: random.next()), nullsOneIn: random.oneIn(3) ? nil : 6)
  }
  let dictionary = BinaryBuilder<Int32>(type: .utf8)
  for word in words { try dictionary.append(word) }
  let entries = dictionary.finish()
  var result: [RecordBatch] = []
  var left = rows
  var ascending = 0
  repeat {
    let count = min(left, 1 + random.below(random.oneIn(2) ? 60 : 12))
    left -= count
    let isBeyond = random.oneIn(3)
    var columns: [Column] = []
    for (i, field) in fields.enumerated() {
      for _ in 0..<count {
        let isNull = random.oneIn(9)
        switch (i, fillers[i].builder) {
        case (0, let builder), (4, let builder):
          if isNull, i == 0 {
            builder.appendNull()
            continue
          }
          ascending += random.below(3)
          let number =
            i == 0 ? random.below(20) : ascending * (field.type == .timestamp(.second, zone: nil) ? 3600 : 1)
          try withUnsafeBytes(of: Int64(number)) { bytes in
            try builder.append(
              bytes: RawSpan(_unsafeBytes: UnsafeRawBufferPointer(rebasing: bytes[..<field.type.byteWidth!])))
          }
        case (1, let builder):
          if isNull {
            builder.appendNull()
          } else {
            try builder.append(bytes: random.pick(words).utf8.span.bytes)
          }
        case (2, let builder as DictionaryBuilder):
          if isNull {
            builder.appendNull()
          } else {
            try builder.append(value: entries, at: random.below(entries.count))
          }
        default:
          // Times whose text is not in the order of time: before the year 0, and beyond 9999.
          guard isBeyond, let ticks = ticksPerDay(field.type), !isNull else {
            try fillers[i].append()
            continue
          }
          let days = random.pick([
            -800_000, -719_529, -719_528, 0, 2_932_896, 2_932_897, 3_000_000, 9_000_000,
          ])
          let value = Int64(days + random.below(3)) * ticks
          try withUnsafeBytes(of: value) { bytes in
            try fillers[i].builder.append(
              bytes: RawSpan(
                _unsafeBytes: UnsafeRawBufferPointer(rebasing: bytes[..<field.type.byteWidth!])))
          }
        }
      }
      columns.append(fillers[i].builder.finish())
    }
    result.append(try RecordBatch(schema: schema, columns: columns, count: count))
  } while left > 0
  return result
}

/// Nil for types that are no days, and for units in which such days are out of reach.
private func ticksPerDay(_ type: DataType) -> Int64? {
  switch type {
  case .date32: 1
  case .date64: 86_400_000
  case .timestamp(let unit, _) where unit != .nanosecond: 86_400 * unit.perSecond
  default: nil
  }
}

private func generator(_ twins: TwinTables, _ seed: UInt64) throws -> StatementGenerator {
  StatementGenerator(
    RandomSource(seed: seed),
    try twins.schemas.enumerated().map { table, schema in
      try schema.fields.map {
        StatementGenerator.Column(name: $0.name, type: $0.type, values: try twins.values(table, $0.name))
      }
    })
}

/// Runs a statement both ways.
/// - Returns: what is wrong; nil when nothing is.
func difference(
  _ twins: TwinTables, _ statement: GeneratedStatement, mixed random: inout RandomSource
) -> String? {
  let count = twins.schemas.count
  let expected = twins.run(statement.sql, statement.parameters, tables: Array(repeating: "o", count: count))
  var tables: [Character] = Array(repeating: "p", count: count)
  // Sometimes one of the tables is an ordinary one: joins of both kinds.
  if random.oneIn(4) { tables[random.below(count)] = "o" }
  let got = twins.run(statement.sql, statement.parameters, tables: tables)
  switch (expected, got) {
  case (.rows(let expected), .rows(let got)):
    if statement.isCountOnly {
      if expected.count == got.count { return nil }
    } else if statement.isOrdered {
      if expected == got { return nil }
    } else if expected.count == got.count, sorted(expected) == sorted(got) {
      return nil
    }
    let (left, right) = (sorted(expected), sorted(got))
    let missing = left.filter { !right.contains($0) }.prefix(3)
    let added = right.filter { !left.contains($0) }.prefix(3)
    return
      "\(statement.sql)\n  \(statement.parameters)\n  on \(tables): \(expected.count) rows expected, \(got.count) came; missing \(missing), added \(added)"
  case (.error(let left, let text), .error(let right, _)) where left == right:
    if getenv("FLETCH_SHOW_ERRORS") != nil { print("both fail: \(text): \(statement.sql)") }
    return nil
  default: return "\(statement.sql)\n  \(statement.parameters)\n  \(expected) is not \(got)"
  }
}

private func sorted(_ rows: [[SQLValue]]) -> [String] { rows.map { "\($0)" }.sorted() }

/// The types whose values SQL orders, and one of each kind that it does not.
private let orderedTypes: [DataType] =
  [.bool] + IntegerType.allCases.map(\.dataType) + [
    .float16, .float32, .float64, .decimal32(precision: 7, scale: 2), .decimal64(precision: 18, scale: 0),
    .decimal64(precision: 15, scale: 4), .decimal128(precision: 15, scale: 15),
    .decimal128(precision: 18, scale: 3), .decimal128(precision: 38, scale: 0),
    .decimal128(precision: 38, scale: 10), .decimal128(precision: 12, scale: -3),
    .decimal256(precision: 60, scale: 4), .date32, .date64, .time32(.second), .time32(.millisecond),
    .time64(.microsecond), .time64(.nanosecond), .timestamp(.second, zone: nil),
    .timestamp(.millisecond, zone: "UTC"), .timestamp(.microsecond, zone: nil),
    .timestamp(.nanosecond, zone: nil),
    .duration(.millisecond), .utf8, .largeUtf8, .utf8View, .binary, .largeBinary, .binaryView,
    .fixedSizeBinary(3), .fixedSizeBinary(0), .null, .interval(.dayTime),
    .list(Field("item", .int32)), .structure([Field("a", .int8), Field("b", .utf8)]),
    .dictionary(indices: .int8, values: .int64, isOrdered: false),
    .dictionary(indices: .uint16, values: .timestamp(.second, zone: nil), isOrdered: false),
    .dictionary(indices: .int16, values: .float32, isOrdered: false),
    .dictionary(indices: .int32, values: .decimal64(precision: 9, scale: 2), isOrdered: false),
    .runEndEncoded(runEnds: Field("run_ends", .int32, isNullable: false), values: Field("values", .utf8)),
    .runEndEncoded(runEnds: Field("run_ends", .int16, isNullable: false), values: Field("values", .int32)),
    .union(.dense, fields: [Field("n", .int64), Field("t", .utf8)], ids: [0, 1]),
  ]

/// Everything that SELECT can say, over every type.
@Test func queriesGiveSQLitesRows() throws {
  print("queriesGiveSQLitesRows: FLETCH_SEED=\(firstSeed) FLETCH_STATEMENTS=\(statementCount)")
  var done = 0
  var world = firstSeed
  while done < statementCount {
    var random = RandomSource(seed: world &* 0x9E37_79B9)
    let twins = try TwinTables()
    for _ in 0..<3 {
      let types = (0..<6).map { _ in random.pick(orderedTypes) }
      try twins.add(try batches(types, &random, rows: random.below(random.oneIn(6) ? 2 : 120)), &random)
    }
    var generator = try generator(twins, random.next())
    for _ in 0..<150 {
      let statement = generator.query()
      if let difference = difference(twins, statement, mixed: &random) {
        Issue.record("world \(world): \(difference)")
        return
      }
    }
    done += 150
    world += 1
  }
}

/// Types whose values an ordinary table stores as they are.
private let steadyTypes: [DataType] = [
  .bool, .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .float64, .utf8, .largeUtf8, .utf8View,
  .binary,
  .largeBinary, .binaryView, .date32, .timestamp(.second, zone: nil), .timestamp(.microsecond, zone: "UTC"),
  .duration(.second), .list(Field("item", .int32)),
  .dictionary(indices: .int8, values: .utf8, isOrdered: false),
]

/// Changes by SQL, publishing and compaction in between, transactions and savepoints; what other connections see.
@Test func changesGiveSQLitesRows() throws {
  print("changesGiveSQLitesRows: FLETCH_SEED=\(firstSeed) FLETCH_STATEMENTS=\(statementCount)")
  var done = 0
  var world = firstSeed
  while done < statementCount / 2 {
    var random = RandomSource(seed: world &* 0x9E37_79B9 &+ 7)
    let twins = try TwinTables()
    let other = try twins.database.makeSession()
    var sources: [[RecordBatch]] = []
    for _ in 0..<2 {
      let types = (0..<4).map { _ in random.pick(steadyTypes) }
      let made = try batches(types, &random, rows: random.below(120))
      try twins.add(made, &random)
      sources.append(made)
    }
    var generator = try generator(twins, random.next())
    var savepoints = 0
    var log: [String] = []
    func fail(_ text: String) {
      Issue.record("world \(world): \(text)\nafter\n\(log.suffix(40).joined(separator: "\n"))")
    }
    for _ in 0..<100 {
      done += 1
      switch random.below(20) {
      case 0 where !twins.connection.isInTransaction:
        var policy = CompactionPolicy()
        policy.smallRows = random.pick([1, 20, 1000])
        policy.targetRows = random.pick([7, 100, 100_000])
        policy.deadShare = random.pick([0, 0.3])
        let t = random.below(2)
        log.append("compact \(t)")
        _ = try twins.compact(t, policy)
      case 1:
        let t = random.below(2)
        log.append("append \(t)")
        try twins.append([random.pick(sources[t])], to: t)
      case 2, 3:
        let inTransaction = twins.connection.isInTransaction
        let sql: String
        switch (inTransaction, random.below(6)) {
        case (false, _): sql = "BEGIN"
        case (true, 0): (sql, savepoints) = ("COMMIT", 0)
        case (true, 1): (sql, savepoints) = ("ROLLBACK", 0)
        case (true, 2) where savepoints > 0:
          savepoints -= 1
          sql = "RELEASE s\(savepoints)"
        case (true, 3) where savepoints > 0: sql = "ROLLBACK TO s\(savepoints - 1)"
        default:
          sql = "SAVEPOINT s\(savepoints)"
          savepoints += 1
        }
        log.append(sql)
        try twins.connection.execute(sql)
        try twins.session.settle()
        if !twins.connection.isInTransaction {
          for t in 0..<2 {
            let sql = "SELECT rowid, * FROM @ ORDER BY rowid"
            let seen = try ["o", "p"].map { letter in
              let statement = try other.connection.prepare(sql.replacing("@", with: "\(letter)\(t)"))
              var rows: [[SQLValue]] = []
              while try statement.step() {
                rows.append((0..<statement.columnCount).map { statement.value($0) })
              }
              return rows
            }
            if seen[0] != seen[1] { return fail("another connection sees something else in table \(t)") }
          }
        }
      case 4, 5, 6, 7, 8, 9:
        let statement = generator.query()
        if let difference = difference(twins, statement, mixed: &random) { return fail(difference) }
      default:
        let statement = generator.change()
        log.append("\(statement.sql) \(statement.parameters)")
        let expected = twins.run(statement.sql, statement.parameters, tables: ["o", "o"])
        let changed = twins.connection.changes
        let got = twins.run(statement.sql, statement.parameters, tables: ["p", "p"])
        switch (expected, got) {
        case (.error(let left, _), .error(let right, _)) where left == right: break
        case (.rows, .rows):
          if changed != twins.connection.changes {
            return fail("\(changed) rows to change, \(twins.connection.changes) were")
          }
        default: return fail("\(expected) is not \(got)")
        }
        for t in 0..<2 {
          let all = GeneratedStatement(sql: "SELECT rowid, * FROM @\(t) ORDER BY rowid", isOrdered: true)
          var never = RandomSource(seed: 3)
          if let difference = difference(twins, all, mixed: &never) { return fail(difference) }
        }
      }
    }
    world += 1
  }
}
