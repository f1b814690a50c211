// fletch password: a line for the file of users.

import Glibc
import Memory
import Server

let passwordCommand = Command(
  name: "password", operands: "NAME", summary: "Make a line for the file of 'fletch serve --users'.",
  discussion: """
    Reads the password from the terminal, or the first line of standard input, and prints NAME with its hash.

      fletch password ann >> users.txt
      fletch serve data --users users.txt
    """,
  options: [],
  run: { arguments in
    let name = try arguments.operands("NAME")[0]
    guard !name.isEmpty, !name.contains(":"), !name.contains("\n") else {
      throw UsageError("a name has no ':'")
    }
    var original = termios()
    let isTerminal = tcgetattr(STDIN_FILENO, &original) == 0
    if isTerminal {
      printError("Password: ")
      var silent = original
      silent.c_lflag &= ~tcflag_t(ECHO)
      tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent)
    }
    let password = readLine()
    if isTerminal {
      tcsetattr(STDIN_FILENO, TCSAFLUSH, &original)
      printError("\n")
    }
    guard let password, !password.isEmpty else { throw DataError(.invalid, "there is no password") }
    try printOutput("\(name):\(PasswordHash(of: password))\n")
  })
