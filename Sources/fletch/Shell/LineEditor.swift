// A statement while it is typed: text, cursor, history and search. Knows nothing of terminals.

/// Edits one text of one or several lines. Keys go in, what is to be done comes out.
struct LineEditor {
  enum Outcome: Equatable {
    case redraw
    case submit(String)
    /// Ctrl-C: the text is given up.
    case abandon
    case end
    case clearScreen
  }

  /// A search backwards through the history.
  struct Search: Equatable {
    var query: String
    var place: Int
    var isFound: Bool
  }

  private(set) var text: [Character] = []
  private(set) var cursor = 0
  private(set) var search: Search?
  private(set) var history: [String]
  /// Where in the history the text is from; its count for a text of its own.
  private var place: Int
  /// The text that was being typed when the history was looked at.
  private var draft: [Character] = []
  private var killed: [Character] = []

  init(history: [String]) {
    self.history = history
    place = history.count
  }

  /// - Parameter isComplete: whether Enter ends the text, rather than its line.
  mutating func handle(_ key: Key, isComplete: (String) -> Bool) -> Outcome {
    if search != nil, let outcome = searchHandles(key) { return outcome }
    switch key {
    case .character(let character): insert(character)
    case .tab: for _ in 0..<2 { insert(" ") }
    case .enter:
      if isComplete(String(text)) { return .submit(take()) }
      cursor = text.count
      insert("\n")
    case .control("c"):
      _ = take(remembering: false)
      return .abandon
    case .control("d"):
      if text.isEmpty { return .end }
      deleteForward()
    case .endOfInput: return .end
    case .control("l"): return .clearScreen
    case .control("r"): search = Search(query: "", place: history.count, isFound: true)
    case .backspace: if cursor > 0 { remove(cursor - 1..<cursor) }
    case .delete: deleteForward()
    case .left, .control("b"): cursor = max(0, cursor - 1)
    case .right, .control("f"): cursor = min(text.count, cursor + 1)
    case .home, .control("a"): cursor = lineStart
    case .end, .control("e"): cursor = lineEnd
    case .wordLeft: cursor = wordStart
    case .wordRight: cursor = wordEnd
    case .up, .control("p"): if !moveLine(by: -1) { recall(place - 1) }
    case .down, .control("n"): if !moveLine(by: 1) { recall(place + 1) }
    case .control("u"): kill(lineStart..<cursor)
    case .control("k"): kill(cursor..<lineEnd)
    case .control("w"): kill(spacedWordStart..<cursor)
    case .wordDelete: kill(cursor..<wordEnd)
    case .control("y"): for character in killed { insert(character) }
    case .control, .escape: break
    }
    return .redraw
  }

  // MARK: Changing

  private mutating func insert(_ character: Character) {
    if cursor > 0 {
      // A combining character belongs to what stands before it.
      let joined = String(text[cursor - 1]) + String(character)
      if joined.count == 1, character != "\n", text[cursor - 1] != "\n" {
        text[cursor - 1] = Character(joined)
        return
      }
    }
    text.insert(character, at: cursor)
    cursor += 1
  }

  private mutating func remove(_ range: Range<Int>) {
    text.removeSubrange(range)
    cursor = range.lowerBound
  }

  private mutating func deleteForward() { if cursor < text.count { remove(cursor..<cursor + 1) } }

  private mutating func kill(_ range: Range<Int>) {
    guard !range.isEmpty else { return }
    killed = Array(text[range])
    remove(range)
  }

  private mutating func take(remembering: Bool = true) -> String {
    let taken = String(text)
    if remembering, taken.contains(where: { !$0.isWhitespace }), history.last != taken {
      history.append(taken)
    }
    (text, cursor, place, draft) = ([], 0, history.count, [])
    return taken
  }

  // MARK: Moving

  private var lineStart: Int { text[..<cursor].lastIndex(of: "\n").map { $0 + 1 } ?? 0 }
  private var lineEnd: Int { text[cursor...].firstIndex(of: "\n") ?? text.count }

  private static func isWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
  }

  private var wordStart: Int {
    var place = cursor
    while place > 0, !LineEditor.isWord(text[place - 1]) { place -= 1 }
    while place > 0, LineEditor.isWord(text[place - 1]) { place -= 1 }
    return place
  }

  private var wordEnd: Int {
    var place = cursor
    while place < text.count, !LineEditor.isWord(text[place]) { place += 1 }
    while place < text.count, LineEditor.isWord(text[place]) { place += 1 }
    return place
  }

  private var spacedWordStart: Int {
    var place = cursor
    while place > 0, text[place - 1].isWhitespace { place -= 1 }
    while place > 0, !text[place - 1].isWhitespace { place -= 1 }
    return place
  }

  /// Goes to the line above or below in the text; false when there is none.
  private mutating func moveLine(by step: Int) -> Bool {
    let column = cursor - lineStart
    if step < 0 {
      guard lineStart > 0 else { return false }
      let end = lineStart - 1
      let start = text[..<end].lastIndex(of: "\n").map { $0 + 1 } ?? 0
      cursor = min(start + column, end)
    } else {
      guard lineEnd < text.count else { return false }
      let start = lineEnd + 1
      let end = text[start...].firstIndex(of: "\n") ?? text.count
      cursor = min(start + column, end)
    }
    return true
  }

  private mutating func recall(_ wanted: Int) {
    guard (0...history.count).contains(wanted), wanted != place else { return }
    if place == history.count { draft = text }
    place = wanted
    text = wanted == history.count ? draft : Array(history[wanted])
    cursor = text.count
  }

  // MARK: Searching

  /// Nil for a key that ends the search and then means what it always does.
  private mutating func searchHandles(_ key: Key) -> Outcome? {
    guard var search else { return nil }
    switch key {
    case .character(let character):
      search.query.append(character)
      find(&search, from: min(search.place, history.count - 1))
    case .backspace:
      search.query = String(search.query.dropLast())
      find(&search, from: history.count - 1)
    case .control("r"): find(&search, from: search.place - 1)
    case .control("g"), .control("c"), .escape:
      self.search = nil
      return .redraw
    default:
      self.search = nil
      return nil
    }
    self.search = search
    return .redraw
  }

  private mutating func find(_ search: inout Search, from start: Int) {
    guard !search.query.isEmpty else {
      search.isFound = true
      return
    }
    search.isFound = false
    for i in stride(from: start, through: 0, by: -1) where history[i].contains(search.query) {
      (search.place, search.isFound) = (i, true)
      place = i
      text = Array(history[i])
      cursor = text.count
      return
    }
  }
}
