// Selections and statistics against the plain way of saying the same.

import Arrow
import Kernels
import Memory
import Samples
import Testing

private func column(_ values: [Int64?]) throws -> Column {
  let builder = FixedBuilder<Int64>(type: .int64)
  for value in values { if let value { builder.append(value) } else { builder.appendNull() } }
  return builder.finish()
}

private func selected(_ column: Column, _ predicate: RangePredicate) -> [Int] {
  var selection = Selection(capacity: column.count)
  selection.reset(to: 0..<column.count)
  column.select(predicate, &selection)
  return (0..<selection.count).map { selection[$0] }
}

@Test func integersInRange() throws {
  let values: [Int64?] = [5, nil, -3, .max, .min, 7, 0, nil, 5]
  let column = try column(values)
  for range: ClosedRange<Int64> in [0...6, .min...(-1), 5...5, 7...(.max), .min ... .max] {
    let expected = values.indices.filter { values[$0].map { range.contains($0) } ?? false }
    #expect(selected(column, .integers(range)) == expected)
  }
  #expect(selected(column, .isNull) == [1, 7])
  #expect(selected(column, .isNotNull) == [0, 2, 3, 4, 5, 6, 8])
  #expect(selected(column, .integerSet([7, 5, 99])) == [0, 5, 8])
  #expect(selected(column, .nothing).isEmpty)
  // A condition of another domain lets everything through.
  #expect(selected(column, .reals(0...1)).count == values.count)
}

@Test func textByBytesAndPrefix() throws {
  let builder = BinaryBuilder<Int32>(type: .utf8)
  for value in ["apple", "Banana", "", "berry", "BERLIN", "zoo"] { try builder.append(value) }
  let column = builder.finish()
  func bound(_ text: String, _ isInclusive: Bool) -> ByteBound {
    ByteBound(Array(text.utf8), isInclusive: isInclusive)
  }
  #expect(selected(column, .bytes(lower: bound("b", true), upper: nil)) == [3, 5])
  #expect(selected(column, .bytes(lower: nil, upper: bound("Banana", false))) == [2, 4])
  #expect(selected(column, .prefix(Array("be".utf8), foldsCase: true)) == [3, 4])
  #expect(selected(column, .prefix(Array("be".utf8), foldsCase: false)) == [3])
  #expect(selected(column, .byteSet([Array("zoo".utf8), []])) == [2, 5])
}

/// Statistics never exclude a block that has a match.
@Test func statisticsAreNeverWrong() throws {
  var random = RandomSource(seed: 11)
  for round in 0..<200 {
    var values: [Int64?] = []
    for _ in 0..<Int.random(in: 1...40, using: &random) {
      values.append(
        Int.random(in: 0..<5, using: &random) == 0 ? nil : Int64.random(in: -20...20, using: &random))
    }
    if round % 2 == 0 { values.sort { ($0 ?? .min) < ($1 ?? .min) } }
    let column = try column(values)
    let statistics = column.statistics(0..<values.count)
    #expect(statistics.nullCount == values.filter { $0 == nil }.count)
    let known = values.compactMap { $0 }
    if statistics.isAscending { #expect(known == known.sorted() && known.count == values.count) }
    for _ in 0..<20 {
      let low = Int64.random(in: -25...25, using: &random)
      let predicate = RangePredicate.integers(low...low + Int64.random(in: 0...5, using: &random))
      if !statistics.mayMatch(predicate, count: values.count) { #expect(selected(column, predicate).isEmpty) }
    }
  }
}

@Test func longTextsAreCutAndStillFound() throws {
  let builder = BinaryBuilder<Int32>(type: .utf8)
  let long = String(repeating: "m", count: 40)
  try builder.append(long)
  try builder.append("a")
  let statistics = builder.finish().statistics(0..<2)
  for text in [long, "a", "b", String(repeating: "m", count: 30)] {
    let bound = ByteBound(Array(text.utf8), isInclusive: true)
    #expect(statistics.mayMatch(.bytes(lower: bound, upper: bound), count: 2))
  }
  let behind = ByteBound(Array("n".utf8), isInclusive: true)
  #expect(!statistics.mayMatch(.bytes(lower: behind, upper: nil), count: 2))
}
