// Runs of ascending values against looking at each of them.

import Arrow
import Kernels
import Memory
import Testing

private func column<T: FixedWidthInteger & BitwiseCopyable>(_ values: [T], _ type: DataType) -> Column {
  let builder = FixedBuilder<T>(type: type)
  for value in values { builder.append(value) }
  return builder.finish()
}

private func check<T: FixedWidthInteger & BitwiseCopyable>(_ values: [T], _ type: DataType) {
  let column = column(values, type)
  let ends: [Int64] = [.min, -300, -128, -1, 0, 1, 5, 100, 255, 70_000, .max]
  for low in ends {
    for high in ends where low <= high {
      for rows in [0..<values.count, values.indices.dropFirst().dropLast()] {
        let found = column.ascendingRows(rows, matching: .integers(low...high))
        let expected = rows.filter { (low...high).contains(Int64(clamping: values[$0])) }
        #expect(Array(found) == expected, "\(type) \(low)...\(high) in \(rows)")
      }
    }
  }
}

@Test func runsOfAscendingIntegers() {
  check([Int8.min, -5, -5, 0, 1, 1, 100, .max], .int8)
  check([UInt8.min, 1, 5, 5, 200, .max], .uint8)
  check([Int16.min, -300, 0, 5, .max], .int16)
  check([UInt16.min, 5, 5, 5, .max], .uint16)
  check([Int32.min, -1, 5, 70_000, .max], .int32)
  check([UInt32.min, 0, 1, 70_000, .max], .uint32)
  check([Int64.min, -1, 0, 5, 5, 5, .max], .int64)
  // Beyond Int64 they count as its end.
  check([UInt64.min, 5, UInt64(Int64.max), UInt64(Int64.max) + 7, .max], .uint64)
  check([Int64](repeating: 5, count: 100), .int64)
  check([Int64](), .int64)
}

@Test func runsOfAscendingReals() {
  let values = [-Double.infinity, -1.5, -0.0, 0.0, 2.5, 2.5, .infinity]
  let builder = FixedBuilder<Double>(type: .float64)
  for value in values { builder.append(value) }
  let column = builder.finish()
  for range in [-1.5...2.5, 0.0...0.0, 3.0...4.0, -.infinity ... .infinity, 2.5 ... .infinity] {
    let found = column.ascendingRows(0..<values.count, matching: .reals(range))
    #expect(Array(found) == values.indices.filter { range.contains(values[$0]) })
  }
}

@Test func rowsThatDoNotAscendAreNotLeft() {
  // A file that was written to after its statistics were made: some part of the rows, whatever it is.
  let column = column([Int64](stride(from: 1000, to: 0, by: -1)), .int64)
  for low in stride(from: Int64(-5), to: 1005, by: 7) {
    let found = column.ascendingRows(10..<900, matching: .integers(low...low + 50))
    #expect(found.lowerBound >= 10 && found.upperBound <= 900)
  }
}
