// What joins rely on: sets of keys, searches in texts, the order of inputs, groups that ascend, and plans that say what becomes of subqueries.

import Arrow
import Memory
import SQL
import SQLite
import Tables
import Testing

@testable import Query
@testable import fletch_differential

@Test func keySetsKnowTheirKeys() {
  var dice = Dice(state: 7)
  for spread in [Int64(1), 3, 1000, 1 << 40, .max] {
    for count in [0, 1, 5, 3000] {
      let keys = (0..<count).map { _ in
        Int64(truncatingIfNeeded: dice.next()) % spread &- (dice.oneIn(2) ? spread / 2 : 0)
      }
      let extremes: [Int64] = dice.oneIn(2) ? [.min, .max, Int64(bitPattern: 0x8000_0000_0000_0001)] : []
      let set = KeySet(keys + extremes)
      let asked =
        keys + extremes + [0, 1, -1, .min, .max, Int64(bitPattern: 0x8000_0000_0000_0001)]
        + keys.map { $0 &+ 1 }
      var truth = [UInt8](repeating: 9, count: asked.count)
      asked.withUnsafeBufferPointer { asked in
        truth.withUnsafeMutableBufferPointer { set.test(asked.baseAddress!, asked.count, $0.baseAddress!) }
      }
      let members = Set(keys + extremes)
      #expect(truth == asked.map { members.contains($0) ? 2 : 0 })
    }
  }
}

@Test func bytesAreFoundWhereverTheyStand() {
  var dice = Dice(state: 3)
  for _ in 0..<2000 {
    let text = (0..<dice.below(200)).map { _ in dice.pick(Array("abAB@`[{ éxyz".utf8)) }
    let wanted = (0..<dice.below(3) + 1).map { _ in dice.pick(Array("ab@`[{ ".utf8)) }
    let start = dice.below(text.count + 1)
    let end = start + dice.below(text.count - start + 1)
    let found = text.withUnsafeBytes {
      ByteSearch(wanted).find($0.baseAddress ?? UnsafeRawPointer(bitPattern: 8)!, start, end)
    }
    let folded = text.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
    let expected = (start..<max(start, end - wanted.count + 1)).first { place in
      place + wanted.count <= end && Array(folded[place..<place + wanted.count]) == wanted
    }
    #expect(found == expected)
  }
}

@Test func patternsFindTheSameInTextsThatLieInARowAsInEach() {
  var dice = Dice(state: 5)
  for _ in 0..<500 {
    let texts = (0..<dice.below(40) + 1).map { _ in
      (0..<dice.below(30)).map { _ in dice.oneIn(60) ? 0 : dice.pick(Array("abABcde é".utf8)) }
    }
    let pieces = (0..<dice.below(3) + 1).map { _ in
      (0..<dice.below(3) + 1).map { _ in dice.pick(Array("abBé".utf8)) }
    }
    let pattern = Pattern(
      Array("%".utf8) + pieces.joined(separator: "%".utf8) + Array("%".utf8), isGlob: false, escape: nil)
    guard pattern.isSearched else { continue }
    let bytes = Array(texts.joined()) + [0]
    bytes.withUnsafeBytes { bytes in
      var start = 0
      let slices = texts.map { text in
        defer { start += text.count }
        return UnsafeRawBufferPointer(rebasing: bytes[start..<start + text.count])
      }
      var truth = [UInt8](repeating: 9, count: texts.count)
      truth.withUnsafeMutableBufferPointer { pattern.search(slices, slices.count, $0.baseAddress!) }
      // Each by itself, as characters up to the first NUL.
      let expected = texts.map { text -> UInt8 in
        var rest = text.prefix { $0 != 0 }.map(lowered)[...]
        for piece in pieces.map({ $0.map(lowered) }) {
          guard let place = rest.indices.first(where: { rest[$0...].starts(with: piece) }) else { return 0 }
          rest = rest[(place + piece.count)...]
        }
        return 2
      }
      #expect(truth == expected)
      #expect(slices.map { pattern.matches($0) ? 2 : 0 } == expected)
    }
  }
}

@Test func decimalsCompareByTheirUnscaledValues() {
  let type = DataType.decimal128(precision: 15, scale: 2)
  for constant in [0.05, 0.07, 24, -3.995, 1e300, -1e300, .infinity, 0.1 + 0.2, 92_233_720_368_547_758.07] {
    for unscaled: Int64 in [-400, -399, 0, 4, 5, 6, 7, 8, 29, 30, 31, 2399, 2400, 2401, .min, .max] {
      let value = Double(unscaled) / 100
      let answers: [(Order, Bool)] = [
        (.equal, value == constant), (.less, value < constant), (.lessOrEqual, value <= constant),
        (.greater, value > constant), (.greaterOrEqual, value >= constant),
      ]
      for (order, expected) in answers {
        #expect((type.unscaled(order, constant)?.contains(unscaled) ?? false) == expected)
      }
    }
  }
}

@Test func largeInputsGoThroughSmallOnes() throws {
  // 0: a million rows; 1: a hundred of a thousand; 2: ten. 0 and 1, 1 and 2 are connected.
  let order = JoinOrder(
    rows: [1e6, 100, 10], baseRows: [1e6, 1000, 10],
    edges: [
      JoinOrder.Edge(left: 0b001, right: 0b010, leftDistinct: 1000, rightDistinct: 1000),
      JoinOrder.Edge(left: 0b010, right: 0b100, leftDistinct: 10, rightDistinct: 10),
    ])
  let trees = order.trees()
  try #require(trees.count == 1)
  func text(_ tree: JoinTree) -> String {
    switch tree {
    case .leaf(let number): "\(number)"
    case .join(let probe, let build, _): "(\(text(probe)) in \(text(build)))"
    }
  }
  #expect(text(trees[0].tree) == "(0 in (1 in 2))")
  #expect(trees[0].rows == 1e5)
  // What nothing connects are trees by themselves; many inputs are joined one after the other.
  #expect(JoinOrder(rows: [1, 2], baseRows: [1, 2], edges: []).trees().count == 2)
  let chain = JoinOrder(
    rows: (0..<20).map { Double($0 + 1) }, baseRows: (0..<20).map { Double($0 + 1) },
    edges: (0..<19).map {
      JoinOrder.Edge(left: 1 << UInt64($0), right: 2 << UInt64($0), leftDistinct: 5, rightDistinct: 5)
    })
  #expect(chain.trees().count == 1)
}

/// Two published tables: `a` of ascending ids in several batches, `b` of some of them.
private func tables() throws -> TableSession {
  let session = try Database(path: nil).makeSession()
  for (name, step) in [("a", 1), ("b", 3)] {
    try session.connection.execute("BEGIN IMMEDIATE")
    let schema = Schema([Field("id", .int64), Field("n", .int64)])
    let publication = try session.publish(name, schema: schema, mode: .create)
    var next = 0
    for _ in 0..<4 {
      let id = FixedBuilder<Int64>(type: .int64)
      let n = FixedBuilder<Int64>(type: .int64)
      for _ in 0..<2500 {
        // Four rows of each id: some ids go on in the next batch.
        id.append(Int64(next / 4 * step))
        n.append(Int64(next % 7))
        next += 1
      }
      next -= 2
      try publication.append(
        RecordBatch(schema: schema, columns: [id.finish(), n.finish()], count: 2500))
    }
    try publication.finish()
    try session.connection.execute("COMMIT")
    try session.settle()
  }
  return session
}

private func query(_ sql: String, _ session: TableSession) throws -> ColumnarQuery {
  let bound = try Binder.bind(Statement(sql)!, text: sql, catalog: SessionCatalog(session: session))
  guard case .columns(let query) = ColumnarQuery.plan(bound, parameters: []) else {
    throw QueryError(.leftToSQLite, "not mine: \(sql)")
  }
  return query
}

/// How many keys of a query's groups are left out because others decide them.
private func carriedKeys(_ sql: String, _ session: TableSession) throws -> Int {
  let query = try query(sql, session)
  guard case .core(let core) = query.plan.body, case .join(let join) = core.source,
    let grouping = core.grouping
  else { return -1 }
  var options = QueryOptions()
  options.learningRows = 0
  let execution = Execution(
    tables: try TableInput.read(query.tableNames, on: session).map { $0.blocks() }, givens: query.givens,
    options: options, shared: SharedResults([]))
  let pipeline = try JoinPreparation(execution, join, core.shape, core.conjuncts, query.givens).run()
  return try execution.reduced(grouping, pipeline, core.shape).carried.count
}

private func integers(
  _ sql: String, _ session: TableSession, _ options: QueryOptions = QueryOptions()
) throws -> [[Int64]] {
  let query = try query(sql, session)
  let stream = query.run(try TableInput.read(query.tableNames, on: session), options)
  var rows: [[Int64]] = []
  while let batch = try stream.next() {
    for row in 0..<batch.count { rows.append(batch.columns.map { $0.values(of: Int64.self)[row] }) }
  }
  return rows
}

@Test func groupsOfAscendingKeysAreThoseOfTheOthers() throws {
  let session = try tables()
  for sql in [
    "SELECT id, count(*), sum(n) FROM a GROUP BY id", "SELECT id, count(*) FROM a WHERE n > 2 GROUP BY id",
    "SELECT DISTINCT id FROM b WHERE id % 4 > 0",
  ] {
    let expected = try integers(sql, session)
    for threads in 1...3 {
      var options = QueryOptions()
      (options.threads, options.learningRows, options.numbersDirectly) = (threads, 0, false)
      #expect(try integers(sql, session, options) == expected)
    }
  }
}

/// A table `p` of 36,000 rows and a table `q` of 4,000, with keys of every kind that rows are found by in a way of their own.
private func keys() throws -> (session: TableSession, p: [String: [Int64?]], q: [String: [Int64?]]) {
  let session = try Database(path: nil).makeSession()
  var dice = Dice(state: 11)
  func columns(_ count: Int) -> [String: [Int64?]] {
    var ascending: Int64 = -5
    let order = (0..<count).map { _ in dice.next() }
    let shuffled = (0..<count).sorted { order[$0] < order[$1] }.map { Int64($0) }
    return [
      "n": (0..<count).map { Int64($0) },
      "one": (0..<count).map { Int64($0) - 7 }, "one_sparse": (0..<count).map { Int64($0) * 50 },
      "mixed": shuffled, "mixed_sparse": shuffled.map { $0 * 50 - 1_000_000 },
      "mixed_nulls": shuffled.map { $0 % 5 == 0 ? nil : $0 * 50 },
      "up": (0..<count).map { _ in
        ascending += Int64(dice.below(2))
        return ascending
      },
      "up_sparse": (0..<count).map { Int64($0 / 3) * 99 },
      "any": (0..<count).map { _ in Int64(dice.below(2000)) },
      "any_nulls": (0..<count).map { _ in dice.oneIn(3) ? nil : Int64(dice.below(60_000)) },
      "any_sparse": (0..<count).map { _ in Int64(dice.below(20_000)) * 399 },
      "wide": (0..<count).map { _ in Int64(dice.below(30_000)) << 40 },
      "extremes": (0..<count).map { $0 % 100 < 3 ? [.min, .max, 0][$0 % 100] : Int64($0) },
      "empty": [Int64?](repeating: nil, count: count),
    ]
  }
  let (p, q) = (columns(36_000), columns(4000))
  for (name, columns) in [("p", p), ("q", q)] {
    try session.connection.execute("BEGIN IMMEDIATE")
    let names = columns.keys.sorted()
    let schema = Schema(names.map { Field($0, .int64) })
    let publication = try session.publish(name, schema: schema, mode: .create)
    let built = names.map { name in
      let builder = FixedBuilder<Int64>(type: .int64)
      for value in columns[name]! { if let value { builder.append(value) } else { builder.appendNull() } }
      return builder.finish()
    }
    try publication.append(RecordBatch(schema: schema, columns: built, count: columns["n"]!.count))
    try publication.finish()
    try session.connection.execute("COMMIT")
    try session.settle()
  }
  return (session, p, q)
}

@Test func rowsAreFoundByKeysOfEveryKind() throws {
  let (session, p, q) = try keys()
  for key in p.keys.sorted() where key != "n" {
    var numbers: [Int64: [Int64]] = [:]
    for (row, value) in p[key]!.enumerated() {
      if let value { numbers[value, default: []].append(Int64(row)) }
    }
    for joined in ["LEFT JOIN", "JOIN"] {
      var expected: [Int64] = [0, 0, 0]
      for (row, value) in q[key]!.enumerated() {
        let found = value.flatMap { numbers[$0] } ?? []
        if found.isEmpty, joined == "JOIN" { continue }
        expected[0] += Int64(max(found.count, 1))
        expected[1] += Int64(max(found.count, 1)) * Int64(row)
        expected[2] += found.reduce(0, +)
      }
      for threads in [1, 3] {
        var options = QueryOptions()
        (options.threads, options.learningRows) = (threads, 0)
        let sql =
          "SELECT count(*), coalesce(sum(q.n), 0), coalesce(sum(p.n), 0) FROM q \(joined) p ON p.\(key) = q.\(key)"
        #expect(try integers(sql, session, options) == [expected], "\(sql), \(threads) threads")
      }
    }
  }
}

@Test func keysThatOthersDecideNeedNoGroups() throws {
  let (session, _, _) = try keys()
  for (sql, carried) in [
    // `one` has each value once, `up` does not; what is equal to it decides, too.
    ("SELECT p.one, p.n, p.any, count(*) FROM p JOIN q ON q.up = p.up GROUP BY 1, 2, 3", 2),
    ("SELECT p.up, p.n, p.any, count(*) FROM p JOIN q ON q.up = p.up GROUP BY 1, 2, 3", 1),
    ("SELECT q.any, p.n, p.any, count(*) FROM p JOIN q ON q.any = p.one GROUP BY 1, 2, 3", 2),
    (
      "SELECT p.any, p.one, p.up, q.one, q.up, q.n FROM p JOIN q ON q.one = p.one GROUP BY 1, 2, 3, 4, 5, 6",
      4
    ),
    ("SELECT p.mixed_nulls, p.n, count(*) FROM p JOIN q ON q.up = p.up GROUP BY 1, 2", 0),
  ] {
    var options = QueryOptions()
    options.learningRows = .max
    let expected = try integers(sql, session, options)
    for threads in [1, 3] {
      (options.threads, options.learningRows) = (threads, 0)
      #expect(try integers(sql, session, options) == expected)
    }
    #expect(try carriedKeys(sql, session) == carried, "\(sql)")
  }
}

@Test func whatIndexesAreMadeOfEndsWithItsQuery() throws {
  let (session, _, _) = try keys()
  for key in ["one", "mixed_sparse", "any", "any_sparse", "up_sparse", "wide"] {
    // Wherever it is asked for the nth time, that is the end.
    for turns in 0..<30 {
      let left = Guarded(turns)
      var options = QueryOptions()
      options.threads = 2
      options.isCancelled = {
        left.withLock {
          $0 -= 1
          return $0 < 0
        }
      }
      do {
        _ = try integers("SELECT count(*) FROM q LEFT JOIN p ON p.\(key) = q.\(key)", session, options)
        // It was done before.
      } catch let error as QueryError { #expect(error.code == .cancelled) }
    }
  }
}

@Test func plansSayWhatBecomesOfSubqueries() throws {
  let session = try tables()
  let lines = try query(
    "SELECT count(*) FROM a WHERE EXISTS (SELECT * FROM b WHERE b.id = a.id AND b.n > 2) AND n < (SELECT max(n) FROM b WHERE b.id = a.id)",
    session
  ).explanation.map { $0.drop { $0 == " " } }
  #expect(lines.contains("only rows with a partner in"))
  #expect(lines.contains("the value in"))
  #expect(lines.contains("filter: n < (…)"))
  #expect(lines.contains("filter: id is looked up AND n > 2 (zone maps: n)"))
}

@Test func rowsOfAJoinAreThereBeforeTheFirst() throws {
  // SQLite joins in another order: what overflows in the middle must do so before any row is out.
  let session = try tables()
  let sql = "SELECT a.id + 9223372036854774000 FROM a JOIN b ON a.id = b.id"
  #expect(try !query(sql, session).isStreaming)
  #expect { _ = try integers(sql, session) } throws: { ($0 as? QueryError)?.code == .leftToSQLite }
}
