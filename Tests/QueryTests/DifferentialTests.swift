// A few of the differential program's statements in the debug build, where arithmetic that overflows traps.

import Testing

@testable import fletch_differential

@Test(arguments: 0..<4) func bothWaysAgree(_ dataSet: Int) throws {
  let seed = UInt64(UInt32.random(in: 0 ... .max))
  let report = try Differential(seed: seed).run(dataSet: dataSet, statements: 60)
  #expect(report.problems.isEmpty, "seed \(seed): \(report.problems.joined(separator: "\n"))")
  #expect(report.onColumns * 10 > report.statements * 7, "most statements should run on columns")
}
