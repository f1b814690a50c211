// Sums of stored values against adding them up one by one.

import Arrow
import Kernels
import Memory
import Testing

@Test func sumsOfIntegers() {
  for count in [0, 1, 7, 8, 63, 64, 65, 1000, 70_000, 140_001] {
    for nulls in [0, 10, 50, 100] {
      let small = FixedBuilder<Int32>(type: .int32)
      let large = FixedBuilder<Int64>(type: .int64)
      for _ in 0..<count {
        if Int.random(in: 0..<100) < nulls {
          small.appendNull()
          large.appendNull()
        } else {
          small.append([Int32.min, .max, Int32.random(in: -70_000...70_000)].randomElement()!)
          large.append([Int64.min, .max, Int64.random(in: -70_000...70_000)].randomElement()!)
        }
      }
      let columns = [small.finish(), large.finish()]
      for column in columns {
        for rows in [0..<count, min(3, count)..<count, 0..<count / 2] {
          var sum: Int64 = 0
          var valid = 0
          for row in rows where !column.isNull(row) {
            sum &+= Int64(column.integer(at: row))
            valid += 1
          }
          let found = column.integerSum(rows)
          #expect(
            found?.sum == sum && found?.count == valid, "\(column.type), \(count) values, \(nulls) % null")
        }
        #expect(column.realSum(0..<count) == nil)
      }
    }
  }
}

@Test func sumsOfReals() {
  for count in [0, 1, 9, 64, 1000, 70_000] {
    for nulls in [0, 10, 100] {
      let builder = FixedBuilder<Double>(type: .float64)
      // Whole numbers, so that the order of additions does not matter.
      for _ in 0..<count {
        if Int.random(in: 0..<100) < nulls {
          builder.appendNull()
        } else {
          builder.append(Double(Int.random(in: -1_000_000...1_000_000)))
        }
      }
      let column = builder.finish()
      let values = column.values(of: Double.self)
      for rows in [0..<count, min(5, count)..<count] {
        var sum = 0.0
        var valid = 0
        for row in rows where !column.isNull(row) {
          sum += values[row]
          valid += 1
        }
        let found = column.realSum(rows)
        #expect(found?.sum == sum && found?.count == valid)
      }
      #expect(column.integerSum(0..<count) == nil)
    }
  }
}
