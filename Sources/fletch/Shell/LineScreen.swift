// Draws a text that is being edited, over as many rows of the terminal as it takes.

import Glibc
import Memory
import Printing

struct LineScreen {
  /// The row of the cursor within what was drawn last.
  private var cursorRow = 0
  private var isDrawn = false

  mutating func draw(_ editor: LineEditor, prompt: String, more: String) {
    let columns = max(20, terminalWidth() ?? 80)
    let head = editor.search.map { search in
      "(\(search.isFound ? "search" : "nothing like"))'\(search.query)': "
    }
    let prompt = head ?? prompt
    var output = start()
    var (row, column) = (0, 0)
    var cursor = (row: 0, column: 0)
    func put(_ text: String) {
      let width = displayWidth(of: text)
      if column + width > columns {
        output += "\n"
        (row, column) = (row + 1, 0)
      }
      output += text
      column += width
    }
    for character in prompt { put(String(character)) }
    for (i, character) in editor.text.enumerated() {
      if i == editor.cursor { cursor = (row, column) }
      if character == "\n" {
        output += "\n"
        (row, column) = (row + 1, 0)
        for character in more { put(String(character)) }
      } else {
        put(String(character).withoutControls)
      }
    }
    // A row that is full leaves the terminal's cursor on it, or not: terminals differ.
    if column == columns {
      output += "\n"
      (row, column) = (row + 1, 0)
    }
    if editor.cursor == editor.text.count { cursor = (row, column) }
    if cursor.column == columns { cursor = (cursor.row + 1, 0) }
    if row > cursor.row { output += "\u{1B}[\(row - cursor.row)A" }
    output += "\r" + (cursor.column > 0 ? "\u{1B}[\(cursor.column)C" : "")
    cursorRow = cursor.row
    isDrawn = true
    LineScreen.write(output)
  }

  /// Goes to where the drawing began, and takes it away.
  private func start() -> String {
    guard isDrawn else { return "" }
    return (cursorRow > 0 ? "\u{1B}[\(cursorRow)A" : "") + "\r\u{1B}[J"
  }

  /// Leaves the text where it is, and goes to the line below.
  mutating func finish(_ editor: LineEditor, prompt: String, more: String, mark: String = "") {
    isDrawn = false
    cursorRow = 0
    LineScreen.write(mark + "\n")
  }

  mutating func clear() {
    isDrawn = false
    cursorRow = 0
    LineScreen.write("\u{1B}[H\u{1B}[2J")
  }

  static func write(_ text: String) { try? printOutput(text) }
}
