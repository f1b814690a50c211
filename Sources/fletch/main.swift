// The program: finds the subcommand, runs it, and turns what went wrong into a message and an exit code.

import Glibc
import Memory

let version = "0.1.0"

let commands = [
  serveCommand, queryCommand, shellCommand, sqlCommand, publishCommand, tablesCommand, compactCommand,
  passwordCommand,
  listCommand, getCommand, putCommand,
  consumeCommand, inspectCommand, catCommand, convertCommand, sampleCommand, benchCommand,
]

let help = """
  fletch \(version): Feather files and Arrow streams, asked with SQL, served over Arrow Flight, looked at, made and converted.

  Usage: fletch COMMAND [arguments]

  Commands:
  \(commands.map { "  \($0.name.padded(to: 10))\($0.summary)" }.joined(separator: "\n"))

  'fletch COMMAND --help' tells more about each. Errors go to standard error; the exit code is 1 for
  an error and 2 for a command line that makes no sense.

  """

/// Ends the process without running exit handlers: those of OpenSSL would free what the threads of connections still use.
func end(_ code: Int32) -> Never {
  fflush(nil)
  _exit(code)
}

func fail(_ message: String, code: Int32) -> Never {
  fflush(nil)
  printError(message)
  end(code)
}

/// Runs one command line and returns its exit code.
func run(_ words: [String]) -> Int32 {
  guard let name = words.first else { fail(help, code: 2) }
  if ["--help", "-h", "help"].contains(name) {
    guard words.count > 1 else {
      print(help, terminator: "")
      return 0
    }
    guard let command = commands.first(where: { $0.name == words[1] }) else {
      fail("fletch: unknown command '\(words[1])'. 'fletch --help' lists the commands.\n", code: 2)
    }
    print(command.help, terminator: "")
    return 0
  }
  if ["--version", "version"].contains(name) {
    print("fletch \(version)")
    return 0
  }
  guard let command = commands.first(where: { $0.name == name }) else {
    fail("fletch: unknown command '\(name)'. 'fletch --help' lists the commands.\n", code: 2)
  }
  do {
    let arguments = try Arguments(
      Array(words.dropFirst()), command.options + command.more.options + [Command.helpOption])
    if arguments.has("help") {
      print(command.help, terminator: "")
      return 0
    }
    try command.run(arguments)
    return 0
  } catch let error as UsageError {
    fail("fletch \(name): \(error.message)\n'fletch \(name) --help' tells more.\n", code: 2)
  } catch let error as ReportedError {
    fail("fletch \(name): \(error.message)\n", code: error.code)
  } catch is ReaderGone {
    signal(SIGPIPE, SIG_DFL)
    raise(SIGPIPE)
    end(128 + SIGPIPE)
  } catch {
    fail("fletch \(name): \("\(error)".withoutControls)\n", code: 1)
  }
}

// A reader that goes away (`fletch cat … | head`) ends this program quietly, by the signal that is meant for it.
end(run(Array(CommandLine.arguments.dropFirst())))
