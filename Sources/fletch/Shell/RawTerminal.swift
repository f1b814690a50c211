// The terminal while a line is edited: every key comes at once, and nothing is echoed.

import Glibc
import Synchronization

/// The modes of standard input's terminal. They are the program's, so there is one of this.
final class RawTerminal: Sendable {
  private struct State {
    var original = termios()
    var isRaw = false
  }

  private let state: Mutex<State>

  /// Nil when standard input or output is no terminal.
  init?() {
    var original = termios()
    guard isatty(STDOUT_FILENO) == 1, tcgetattr(STDIN_FILENO, &original) == 0 else { return nil }
    state = Mutex(State(original: original))
  }

  /// - Parameter hasSignals: whether Ctrl-C is a signal, as while a statement runs, or a key. What is typed ahead waits either way.
  func enter(hasSignals: Bool = false) {
    state.withLock { state in
      var raw = state.original
      raw.c_iflag &= ~tcflag_t(BRKINT | ICRNL | INPCK | ISTRIP | IXON)
      raw.c_lflag &= ~tcflag_t(ECHO | ICANON | IEXTEN)
      if !hasSignals { raw.c_lflag &= ~tcflag_t(ISIG) }
      // Output stays cooked: a newline goes to the start of the next line.
      tcsetattr(STDIN_FILENO, TCSADRAIN, &raw)
      state.isRaw = true
    }
  }

  /// Gives the terminal back as it was; also from another thread, before the program ends.
  func leave() {
    state.withLock { state in
      guard state.isRaw else { return }
      tcsetattr(STDIN_FILENO, TCSADRAIN, &state.original)
      state.isRaw = false
    }
  }
}
