// Slices of columns: the same values at the same addresses, for every layout.

import Memory
import Samples
import Testing

@testable import Arrow

@Suite struct SliceTests {
  @Test(arguments: allTypes.indices)
  func slicesOfSlicesAreTheValuesOfTheirRows(place: Int) throws {
    let column = try randomColumn(allTypes[place], rows: 60, seed: UInt64(place))
    let (keys, json) = (column.keys, column.json)
    var random = RandomSource(seed: UInt64(place))
    for _ in 0..<8 {
      var (slice, rows) = (column, 0..<column.count)
      for _ in 0..<3 {
        let range = randomRange(slice.count, &random)
        slice = slice.slice(range)
        rows = rows.lowerBound + range.lowerBound..<rows.lowerBound + range.upperBound
        #expect(slice.count == rows.count)
        #expect(slice.keys == Array(keys[rows]))
        #expect(slice.json == Array(json[rows]))
      }
    }
  }

  @Test(arguments: allTypes.indices)
  func slicesLieWithinTheBuffersOfTheirColumn(place: Int) throws {
    let column = try randomColumn(allTypes[place], rows: 60, seed: UInt64(place))
    var random = RandomSource(seed: UInt64(place))
    let whole = column.allBuffers
    for _ in 0..<8 {
      let parts = column.slice(randomRange(column.count, &random)).allBuffers
      #expect(parts.count == whole.count)
      for (part, buffer) in zip(parts, whole) { #expect(part.lies(within: buffer)) }
    }
    #expect(column.slice(0..<column.count) === column)
  }

  @Test(arguments: allTypes.indices, [2, nil])
  func nullCountsOfSlicesAreThoseOfTheirRows(place: Int, nullsOneIn: Int?) throws {
    let type = allTypes[place]
    let column = try randomColumn(type, rows: 60, seed: UInt64(place), nullsOneIn: nullsOneIn)
    var random = RandomSource(seed: UInt64(place))
    for asksBefore in [false, true] {
      if asksBefore { _ = column.nullCount }
      for _ in 0..<8 {
        let rows = randomRange(column.count, &random)
        let slice = column.slice(rows)
        #expect(slice.nullCount == rows.count { column.isNull($0) })
        #expect((0..<slice.count).allSatisfy { slice.isNull($0) == column.isNull(rows.lowerBound + $0) })
      }
    }
    if !type.hasValidity { #expect(column.validity == nil) }
  }

  @Test func slicesInheritWhatTheirColumnPassed() throws {
    for type in allTypes {
      let made = try randomColumn(type, rows: 20, seed: 3)
      // As from outside: nothing is known of it yet.
      let column = try Column(type: type, count: 20, validity: made.validity, layout: made.layout)
      #expect(column.slice(1..<5).passedLevel.load(ordering: .relaxed) == CheckLevel.structure.rawValue)
      for level in [CheckLevel.access, .full] {
        try column.check(level)
        #expect(column.passedLevel.load(ordering: .relaxed) == level.rawValue)
        #expect(column.slice(1..<5).passedLevel.load(ordering: .relaxed) == level.rawValue)
      }
      // A lower level is no step back.
      try column.check(.access)
      #expect(column.passedLevel.load(ordering: .relaxed) == CheckLevel.full.rawValue)
    }
  }

  @Test(arguments: allTypes.indices)
  func columnsOfOtherChildrenHaveTheirValues(place: Int) throws {
    let type = allTypes[place]
    let column = try randomColumn(type, rows: 30, seed: UInt64(place))
    // Equal children at other addresses.
    let children = try column.children.map { child in
      let builder = child.type.makeBuilder()
      try builder.append(child)
      return builder.finish()
    }
    let replaced = try column.replacingChildren(children)
    #expect(replaced.keys == column.keys)
    for (child, given) in zip(replaced.children, children) { #expect(child === given) }
    for place in children.indices {
      var wrong = children
      let other: DataType = children[place].type == .binary ? .utf8 : .binary
      wrong[place] = try randomColumn(other, rows: children[place].count, seed: 1)
      #expect(throws: DataError.self) { try column.replacingChildren(wrong) }
    }
  }

  @Test func reinterpretingKeepsTheBytesAndRefusesOtherWidths() throws {
    let ticks = try randomColumn(.timestamp(.second, zone: "UTC"), rows: 20, seed: 1)
    let integers = try ticks.reinterpreted(as: .int64)
    #expect(integers.keys == ticks.keys && integers.type == .int64)
    #expect(integers.allBuffers[0].isSame(as: ticks.allBuffers[0]))
    #expect(throws: DataError.self) { try ticks.reinterpreted(as: .int32) }
    #expect(throws: DataError.self) { try ticks.reinterpreted(as: .utf8) }
  }

  @Test func byteCountsOfSlicesAddUpWhereNothingIsShared() throws {
    for type: DataType in [.int32, .decimal256(precision: 50, scale: 2), .fixedSizeBinary(7)] {
      let column = try randomColumn(type, rows: 64, seed: 5, nullsOneIn: nil)
      let parts = [0..<10, 10..<11, 11..<64].map { column.slice($0).byteCount }
      #expect(parts.reduce(0, +) == column.byteCount)
      #expect(column.byteCount == 64 * type.byteWidth!)
    }
    // A slice of texts counts the bytes that it shows, not those of the buffer it shares.
    let column = try texts([String(repeating: "x", count: 1000), "ab"])
    #expect(column.slice(1..<2).byteCount == 8 + 2)
  }
}
