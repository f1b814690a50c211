// A condition on one text column, asked once for each distinct text.

import Arrow
import Memory

final class CodedPredicate: Predicate {
  private let column: ColumnNode
  private let inner: Predicate
  /// The answer for every code; empty before the first row.
  private var answers: [UInt8] = []
  /// The answer for every code of the segment that was looked at last.
  private var localAnswers: [UInt8] = []
  private var localSegment: ObjectIdentifier?
  /// The codes of that segment for which the condition holds, where they follow one another, it is false for all others, and NULL for
  /// NULL. Codes are in the order of their texts, so that most conditions come to that.
  private var localRange: ClosedRange<UInt16>?

  /// - Parameter inner: the condition on a column of the codes' entries.
  init(_ column: ColumnNode, _ inner: Predicate) {
    self.column = column
    self.inner = inner
  }

  override var readsStored: Bool { true }

  override func test(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8> {
    if answers.isEmpty { answers = try ask() }
    let scratch = scratch
    if frame.isRun, let codes = try column.storedCodes(frame) {
      // The answers in the terms of the segment's own codes, so that a row takes one look-up.
      if codes.segment != localSegment {
        localAnswers = codes.map.map { answers[Int($0)] }
        localRange = CodedPredicate.range(localAnswers)
        localSegment = codes.segment
      }
      if let localRange {
        compareCodes(in: localRange, codes.raw, frame.count, scratch)
        return UnsafePointer(scratch)
      }
      localAnswers.withUnsafeBufferPointer { answers in
        // SAFETY: codes are below the count of their segment's entries, which the answers are as many as.
        lookUpCodes(answers.baseAddress.unsafelyUnwrapped, codes.raw, frame.count, scratch)
      }
      return UnsafePointer(scratch)
    }
    try answers.withUnsafeBufferPointer { answers throws(QueryError) in
      try column.forEachCode(frame) { i, code in scratch[i] = answers[code] }
    }
    return UnsafePointer(scratch)
  }

  private static func range(_ answers: [UInt8]) -> ClosedRange<UInt16>? {
    guard answers.first == 1, let first = answers.firstIndex(of: 2), let last = answers.lastIndex(of: 2),
      answers[first...last].allSatisfy({ $0 == 2 }), answers[1..<first].allSatisfy({ $0 == 0 }),
      answers[(last + 1)...].allSatisfy({ $0 == 0 })
    else { return nil }
    return UInt16(first)...UInt16(last)
  }

  private func ask() throws(QueryError) -> [UInt8] {
    let entries = column.coded!.entries
    let frame = Frame()
    frame.enter(Block(origin: .column(column.index, entries), rows: 0..<entries.count, tombstones: nil))
    var answers: [UInt8] = []
    for start in stride(from: 0, to: entries.count, by: vectorSize) {
      frame.select(start..<min(start + vectorSize, entries.count))
      let truth = try inner.test(frame)
      answers.append(contentsOf: UnsafeBufferPointer(start: truth, count: frame.count))
    }
    return answers
  }
}
