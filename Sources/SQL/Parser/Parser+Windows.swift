// Window definitions and their frames.

extension Parser {
  /// What stands between the parentheses of OVER (…) or of WINDOW w AS (…).
  mutating func window() throws(SQLError) -> WindowDefinition {
    let start = index
    var window = WindowDefinition(
      base: nil, partitionBy: [], orderBy: [], frame: nil, range: token.range)
    switch kind {
    case .partition, .order, .range, .rows, .groups, .rightParenthesis: break
    default: window.base = try name()
    }
    if accept(.partition) {
      try expect(.by)
      window.partitionBy = try expressions()
    }
    window.orderBy = try orderBy()
    window.frame = try frame()
    window.range = range(from: start)
    return window
  }

  private mutating func frame() throws(SQLError) -> WindowFrame? {
    let unit: WindowFrame.Unit
    switch kind {
    case .rows: unit = .rows
    case .range: unit = .range
    case .groups: unit = .groups
    default: return nil
    }
    let offset = token.range.offset
    advance()
    var frame = WindowFrame(unit: unit, start: .currentRow, end: .currentRow, exclusion: .noOthers)
    if accept(.between) {
      frame.start = try bound(unbounded: .preceding)
      try expect(.and)
      frame.end = try bound(unbounded: .following)
    } else {
      frame.start = try bound(unbounded: .preceding)
    }
    if accept(.exclude) { frame.exclusion = try exclusion() }
    try check(frame, at: offset)
    return frame
  }

  private mutating func bound(unbounded: TokenKind) throws(SQLError) -> WindowFrame.Bound {
    if accept(.unbounded) {
      try expect(unbounded)
      return unbounded == .preceding ? .unboundedPreceding : .unboundedFollowing
    }
    if accept(.current) {
      try expect(.row)
      return .currentRow
    }
    let distance = try expression()
    if accept(.preceding) { return .preceding(distance) }
    try expect(.following)
    return .following(distance)
  }

  private mutating func exclusion() throws(SQLError) -> WindowFrame.Exclusion {
    if accept(.no) {
      try expect(.others)
      return .noOthers
    }
    if accept(.current) {
      try expect(.row)
      return .currentRow
    }
    if accept(.group) { return .group }
    try expect(.ties)
    return .ties
  }

  /// A frame may not begin behind its end.
  private func check(_ frame: WindowFrame, at offset: Int) throws(SQLError) {
    let isBackward =
      switch (frame.start, frame.end) {
      case (.currentRow, .preceding), (.following, .preceding), (.following, .currentRow): true
      default: false
      }
    if isBackward { throw SQLError(.syntax, "unsupported frame specification", at: offset) }
  }
}
