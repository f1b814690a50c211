// fletch-tables: what tests and measurements do with published tables. `bench` measures, `crash` works until it is killed, `threads` is for the thread sanitizer.

import Glibc

let words = Array(CommandLine.arguments.dropFirst())
do {
  switch words.first {
  case "bench": try TablesBench(Options(words.dropFirst())).run()
  case "crash": try CrashWork(Options(words.dropFirst())).run()
  case "threads": try ThreadWork(Options(words.dropFirst())).run()
  default:
    say("usage: fletch-tables bench|crash|threads [--NAME VALUE …]\n", to: 2)
    exit(2)
  }
} catch {
  say("fletch-tables: \(error)\n", to: 2)
  exit(1)
}

/// `--name value` pairs.
struct Options {
  private var values: [String: String] = [:]

  init(_ words: some Collection<String>) {
    var name: String?
    for word in words {
      if let known = name {
        values[known] = word
        name = nil
      } else if word.hasPrefix("--") {
        name = String(word.dropFirst(2))
      }
    }
  }

  subscript(_ name: String, default other: Int) -> Int { values[name].flatMap { Int($0) } ?? other }
  subscript(_ name: String) -> String? { values[name] }
}

/// Writes at once, so that what was said is known even when the process is killed right behind it.
func say(_ text: String, to descriptor: Int32 = 1) {
  let bytes = Array(text.utf8)
  _ = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
}
