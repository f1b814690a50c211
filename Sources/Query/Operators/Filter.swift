// The conditions of a query, asked of one frame after the other.

import Arrow

/// Keeps the rows of which all conditions are true.
///
/// The order of conditions does not matter to their answer, so those that read stored values come first. Each is asked of the rows that
/// the ones before have left; but where the first leaves many, the others are asked of all rows of a run, too: reading values in a row
/// and joining the answers costs less than gathering them.
final class Filter {
  private let stored: [Predicate]
  private let others: [Predicate]
  private let truth = UnsafeMutablePointer<UInt8>.allocate(capacity: vectorSize + 8)
  /// How many rows the first condition was asked of alone, and how many it has left, of late.
  private var asked = 0
  private var left = 0
  private var frames = 0
  /// Columns whose NULLs the answers so far have overlooked.
  private var overlooked: [ColumnNode] = []

  init(_ predicates: [Predicate]) {
    stored = predicates.filter(\.readsStored)
    others = predicates.filter { !$0.readsStored }
  }

  deinit { truth.deallocate() }

  var isEmpty: Bool { stored.isEmpty && others.isEmpty }

  func apply(_ frame: Frame) throws(QueryError) {
    if frame.isRun, stored.count > 1 {
      try applyToRun(frame)
    } else {
      try apply(stored[...], frame)
    }
    try apply(others[...], frame)
  }

  /// How many rows of a frame it keeps; which ones is left open.
  func count(_ frame: Frame) throws(QueryError) -> Int {
    if stored.count + others.count == 1 {
      return countTrue(try (stored.first ?? others[0]).test(frame), frame.count)
    }
    try apply(frame)
    return frame.count
  }

  private func apply(_ predicates: ArraySlice<Predicate>, _ frame: Frame) throws(QueryError) {
    for predicate in predicates {
      if frame.count == 0 { break }
      if frame.isRun, frame.parts.isEmpty, let (truth, column) = try predicate.testValues(frame) {
        // NULLs are looked for among the few rows that are kept.
        frame.keep(truth)
        try column.keepPresent(frame)
      } else {
        frame.keep(try predicate.test(frame))
      }
    }
  }

  /// The answers to a run, in which NULLs may be overlooked.
  private func answers(_ predicate: Predicate, _ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8> {
    if frame.parts.isEmpty, let (truth, column) = try predicate.testValues(frame) {
      if !overlooked.contains(where: { $0 === column }) { overlooked.append(column) }
      return truth
    }
    return try predicate.test(frame)
  }

  private func applyToRun(_ frame: Frame) throws(QueryError) {
    frames &+= 1
    // Now and then it is found out again whether the first leaves many.
    if asked == 0 || left &* 8 < asked || frames & 31 == 0 {
      if frames & 255 == 0 { (asked, left) = (0, 0) }
      let n = frame.count
      try apply(stored[..<1], frame)
      asked &+= n
      left &+= frame.count
      return try apply(stored.dropFirst(), frame)
    }
    let n = frame.count
    overlooked.removeAll(keepingCapacity: true)
    truth.update(from: try answers(stored[0], frame), count: n)
    for predicate in stored.dropFirst() {
      let answers = try answers(predicate, frame)
      let truth = truth
      for i in 0..<n { truth[i] = truth[i] < answers[i] ? truth[i] : answers[i] }
    }
    frame.keep(UnsafePointer(truth))
    for column in overlooked { try column.keepPresent(frame) }
  }
}
