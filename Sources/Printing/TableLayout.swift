// How wide the columns of a table are, and which of them are shown.

/// Widths for a terminal, out of what the first rows need.
struct TableLayout: Equatable {
  /// The width of every column that is shown, from the first on.
  private(set) var widths: [Int]
  private(set) var isCut: Bool

  /// What stands between two columns: a space, a bar, a space.
  static let separatorWidth = 3
  /// What stands in place of the columns that are left out: a separator and `…`.
  private static let cutWidth = separatorWidth + 1

  /// - Parameters:
  ///   - natural: the width that each column needs.
  ///   - least: the width that each column can do with.
  ///   - available: the terminal's width; nil for no limit.
  init(natural: [Int], least: [Int], available: Int?) {
    precondition(natural.count == least.count)
    widths = natural
    isCut = false
    guard let available else { return }
    func total(_ widths: ArraySlice<Int>) -> Int {
      // One space before the first column and one after the last.
      widths.reduce(0, +) + max(0, widths.count - 1) * TableLayout.separatorWidth + 2
    }
    // From the left on, as many columns as find room at their least.
    var shown = 0
    var used = 2 - TableLayout.separatorWidth
    while shown < natural.count {
      used += least[shown] + TableLayout.separatorWidth
      let isLast = shown == natural.count - 1
      guard shown == 0 || used <= available - (isLast ? 0 : TableLayout.cutWidth) else { break }
      shown += 1
    }
    isCut = shown < natural.count
    widths = Array(natural[..<shown])
    // The widest give first.
    var excess = total(widths[...]) - (available - (isCut ? TableLayout.cutWidth : 0))
    while excess > 0 {
      let candidates = widths.indices.filter { widths[$0] > least[$0] }
      guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
      widths[widest] -= 1
      excess -= 1
    }
  }
}
