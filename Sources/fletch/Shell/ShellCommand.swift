// fletch shell: statements typed to a Flight SQL server.

import Engine
import Glibc
import Memory
import Printing
import SQL

let shellCommand = Command(
  name: "shell", operands: "URI", summary: "Type SQL to a Flight SQL server.",
  discussion: """
    A statement ends with ';' and may have several lines. Lines that begin with '\\' are commands of the shell;
    '\\?' lists them. Keys: arrows, Home, End, Ctrl or Alt with arrows for words; Ctrl-R searches what was typed
    before; Ctrl-U, Ctrl-K and Ctrl-W cut, Ctrl-Y puts back. Ctrl-C clears the text, or stops the statement that
    runs, at the server; Ctrl-D ends. BEGIN, COMMIT and ROLLBACK make transactions.

    What was typed is kept in $XDG_STATE_HOME/fletch/history (~/.local/state). When standard input is no
    terminal, statements are read from it, up to the first that fails.

      fletch shell grpc://localhost:8815
      fletch shell grpc+tls://db.example:8815 --user ann --tls-ca ca.pem
    """,
  options: [
    Option("format", "FORM", "table (default on a terminal), csv or json."),
    RemoteSession.timeout, RemoteSession.session, SharedOptions.quiet,
  ] + ConnectionOptions.all,
  run: { arguments in
    let uri = try arguments.operands("URI")[0]
    let terminal = isatty(STDIN_FILENO) == 1 ? RawTerminal() : nil
    let session = try RemoteSession(uri, arguments) { terminal?.leave() }
    defer { session.close() }
    var shell = try Shell(session, arguments)
    guard let terminal else {
      do { try shell.runScript(try readText("-")) } catch {
        if let signal = session.interruption.received {
          throw ReportedError("interrupted", code: 128 + signal)
        }
        throw error
      }
      return
    }
    if !arguments.has("quiet") { try shell.greet(uri) }
    session.interruption.reset()
    try shell.runInteractively(terminal)
  })

extension Shell {
  static let prompt = "fletch> "
  static let more = "     -> "

  /// Whether a text is to be run, rather than to go on.
  private static func isComplete(_ text: String) -> Bool {
    if text.first == "\\" { return true }
    return StatementReader.completeness(of: text) != .partial
  }

  /// Reads and runs until Ctrl-D or `\q`.
  mutating func runInteractively(_ terminal: RawTerminal) throws {
    let history = ShellHistory()
    var editor = LineEditor(history: history.load())
    var screen = LineScreen()
    var keys = KeyReader()
    defer { terminal.leave() }
    while !isOver {
      terminal.enter()
      screen.draw(editor, prompt: Shell.prompt, more: Shell.more)
      switch editor.handle(keys.next(), isComplete: Shell.isComplete) {
      case .redraw: break
      case .clearScreen: screen.clear()
      case .abandon: screen.finish(editor, prompt: Shell.prompt, more: Shell.more, mark: "^C")
      case .end:
        screen.finish(editor, prompt: Shell.prompt, more: Shell.more)
        return
      case .submit(let text):
        screen.finish(editor, prompt: Shell.prompt, more: Shell.more)
        history.append(text)
        // Ctrl-C is a signal again while something runs.
        terminal.enter(hasSignals: true)
        submit(text)
        session.interruption.reset()
      }
    }
  }

  /// Runs what was typed; an error is told and forgotten.
  private mutating func submit(_ text: String) {
    do {
      if text.first == "\\" { try runCommand(text) } else { try runStatements(text) }
    } catch let error as DataError where error.code == .system(EPIPE) {
      isOver = true
    } catch {
      let message = session.interruption.received != nil ? "interrupted" : "\(error)"
      printError("\(message)\n".safeLines)
    }
  }

  /// Statements and commands of a text that is no terminal's; ends with the first that fails.
  mutating func runScript(_ text: String) throws {
    var pending = ""
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if isOver { return }
      if line.first == "\\", StatementReader.completeness(of: pending) == .empty {
        pending = ""
        try runCommand(String(line))
        continue
      }
      pending += line + "\n"
      if StatementReader.completeness(of: pending) == .complete {
        try runStatements(pending)
        pending = ""
      }
    }
    if StatementReader.completeness(of: pending) != .empty { try runStatements(pending) }
  }
}
