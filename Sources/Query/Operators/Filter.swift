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

  private func apply(_ predicates: ArraySlice<Predicate>, _ frame: Frame) throws(QueryError) {
    for predicate in predicates {
      if frame.count == 0 { break }
      frame.keep(try predicate.test(frame))
    }
  }

  private func applyToRun(_ frame: Frame) throws(QueryError) {
    frames &+= 1
    // Now and then it is found out again whether the first leaves many.
    if asked == 0 || left &* 8 < asked || frames & 31 == 0 {
      if frames & 255 == 0 { (asked, left) = (0, 0) }
      let n = frame.count
      frame.keep(try stored[0].test(frame))
      asked &+= n
      left &+= frame.count
      return try apply(stored.dropFirst(), frame)
    }
    let n = frame.count
    truth.update(from: try stored[0].test(frame), count: n)
    for predicate in stored.dropFirst() {
      let answers = try predicate.test(frame)
      let truth = truth
      for i in 0..<n { truth[i] = truth[i] < answers[i] ? truth[i] : answers[i] }
    }
    frame.keep(UnsafePointer(truth))
  }
}
