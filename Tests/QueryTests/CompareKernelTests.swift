// Comparisons of stored values against comparing one by one; masks; what a frame keeps.

import Arrow
import Memory
import Testing

@testable import Query

private let orders: [Order] = [.equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual]

private func expected<T: Comparable>(_ order: Order, _ values: [T], _ other: T) -> [UInt8] {
  values.map { value in
    let holds =
      switch order {
      case .equal: value == other
      case .notEqual: value != other
      case .less: value < other
      case .lessOrEqual: value <= other
      case .greater: value > other
      case .greaterOrEqual: value >= other
      }
    return holds ? 2 : 0
  }
}

/// What a comparison writes for the values behind the first `skipped` bytes of unaligned memory.
private func answers<T>(_ values: [T], _ compare: (UnsafeRawPointer, UnsafeMutablePointer<UInt8>) -> Void)
  -> [UInt8]
{
  let memory = UnsafeMutableRawPointer.allocate(
    byteCount: values.count * MemoryLayout<T>.stride + 1, alignment: 8)
  let target = UnsafeMutablePointer<UInt8>.allocate(capacity: values.count + 8)
  defer {
    memory.deallocate()
    target.deallocate()
  }
  values.withUnsafeBytes { (memory + 1).copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
  compare(UnsafeRawPointer(memory + 1), target)
  return Array(UnsafeBufferPointer(start: target, count: values.count))
}

@Test func comparisonsOfStoredNumbers() {
  var random = SystemRandomNumberGenerator()
  for count in [1, 7, 8, 9, 63, 64, 1000, 2048] {
    let small = (0..<count).map { _ in Int32.random(in: -3...3, using: &random) }
    let wide = (0..<count).map { _ in Int32.random(in: .min ... .max, using: &random) }
    let reals = (0..<count).map { _ in [0.0, -0.0, 1.5, -.infinity, .infinity, 2.5].randomElement()! }
    for order in orders {
      for other in [-3, 0, 2, Int32.min, Int32.max, wide[0]] {
        for values in [small, wide] {
          let found = answers(values) { compareInt32(order, $0, other, count, $1) }
          #expect(found == expected(order, values, other), "\(order) \(other)")
        }
      }
      for other in [0.0, 1.5, 2, -.infinity, .infinity] {
        let found = answers(reals) { compareDoubles(order, $0, other, count, $1) }
        #expect(found == expected(order, reals, other), "\(order) \(other)")
      }
    }
    for range: ClosedRange<Int32> in [-1...1, .min...0, 2 ... .max, 1...1] {
      let found = answers(small) { compareInt32(between: range.lowerBound, range.upperBound, $0, count, $1) }
      #expect(found == small.map { range.contains($0) ? 2 : 0 })
    }
  }
}

@Test func boundsOfNarrowTypes() {
  for order in orders {
    for constant: Int64 in [-129, -128, 0, 127, 128, .min, .max] {
      let values = Array(Int8.min...Int8.max)
      let found: [UInt8] =
        switch NarrowBound<Int8>(order, constant) {
        case .compare(let order, let narrow): expected(order, values, narrow)
        case .always(let truth): values.map { _ in truth ? 2 : 0 }
        }
      #expect(found == expected(order, values.map { Int64($0) }, constant), "\(order) \(constant)")
    }
  }
}

@Test func nullsMakeAnswersUnknown() {
  for count in 0...40 {
    var truth = (0..<count).map { _ in [0, 1, 2].randomElement()! as UInt8 }
    let valid = (0..<count).map { _ in [0, 1].randomElement()! as UInt8 }
    let expected = zip(truth, valid).map { $1 == 0 ? 1 : $0 }
    truth.withUnsafeMutableBufferPointer { truth in
      valid.withUnsafeBufferPointer { valid in
        if let truth = truth.baseAddress { mask(truth, valid.baseAddress, count) }
      }
    }
    #expect(truth == expected)
  }
}

@Test func framesKeepWhatIsTrue() throws {
  let batch = try RecordBatch(schema: Schema([]), columns: [], count: 5000)
  let block = Block(origin: .batch(batch), rows: 100..<4100, tombstones: nil)
  for share in [0, 1, 10, 50, 90, 100] {
    for count in [1, 7, 8, 100, 2047, 2048] {
      let truth = (0..<count + 8).map { _ in Int.random(in: 0..<100) < share ? 2 : UInt8.random(in: 0...1) }
      let frame = Frame()
      frame.enter(block)
      frame.select(100..<100 + count)
      truth.withUnsafeBufferPointer { frame.keep($0.baseAddress!) }
      let kept = (0..<frame.count).map { frame.row($0) }
      #expect(kept == (0..<count).filter { truth[$0] == 2 }.map { $0 + 100 })
      // What is left is no run any more, and is narrowed the same way.
      let again = (0..<count + 8).map { _ in Int.random(in: 0..<100) < share ? 2 : UInt8.random(in: 0...1) }
      again.withUnsafeBufferPointer { frame.keep($0.baseAddress!) }
      #expect(
        (0..<frame.count).map { frame.row($0) } == kept.indices.filter { again[$0] == 2 }.map { kept[$0] })
    }
  }
}

@Test func doublesWithinARange() {
  let values = (0..<2047).map { _ in [-1, -0.0, 0, 0.5, 1, 1.5, .nan, .infinity, -.infinity].randomElement()!
  }
  for (low, high) in [(0.0, 1.0), (0.5, 0.5), (1, 0), (-.infinity, 0), (1.5, .infinity)] {
    for count in [0, 1, 7, 8, 9, 2047] {
      let values = Array(values.prefix(count))
      let found = answers(values) { compareDoubles(between: low, high, $0, count, $1) }
      #expect(found == values.map { $0 >= low && $0 <= high ? 2 : 0 })
    }
  }
}

@Test func codesOfTexts() {
  for count in [0, 1, 15, 16, 17, 2047] {
    let codes = (0..<count).map { _ in UInt16.random(in: 0...9) }
    let wide = (0..<count).map { _ in UInt16.random(in: 0...UInt16.max) }
    for range: ClosedRange<UInt16> in [1...1, 3...7, 1...9, 9...9, 1 ... .max, 40_000...50_000] {
      for codes in [codes, wide] {
        let found = answers(codes) { compareCodes(in: range, $0, count, $1) }
        #expect(found == codes.map { range.contains($0) ? 2 : $0 == 0 ? 1 : 0 })
      }
    }
    let ofCode = (0...9).map { _ in UInt8.random(in: 0...2) }
    let found = answers(codes) { codes, target in
      ofCode.withUnsafeBufferPointer { lookUpCodes($0.baseAddress!, codes, count, target) }
    }
    #expect(found == codes.map { ofCode[Int($0)] })
  }
}

@Test func trueAnswersAreCounted() {
  for count in [0, 1, 7, 8, 2039, 2040, 2041, 2048, 10_000] {
    for values: [UInt8] in [[2], [0, 1, 2], [0, 1]] {
      let truth = (0..<count + 8).map { _ in values.randomElement()! }
      let found = truth.withUnsafeBufferPointer { countTrue($0.baseAddress!, count) }
      #expect(found == truth.prefix(count).count { $0 == 2 })
    }
  }
}
