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
        localSegment = codes.segment
      }
      localAnswers.withUnsafeBufferPointer { answers in
        // SAFETY: codes are below the count of their segment's entries, which the answers are as many as.
        let answers = answers.baseAddress.unsafelyUnwrapped
        for i in 0..<frame.count { scratch[i] = answers[Int(load(codes.raw, i, as: UInt16.self))] }
      }
      return UnsafePointer(scratch)
    }
    try answers.withUnsafeBufferPointer { answers throws(QueryError) in
      try column.forEachCode(frame) { i, code in scratch[i] = answers[code] }
    }
    return UnsafePointer(scratch)
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
