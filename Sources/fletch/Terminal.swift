// What a person at a terminal sees while a command works.

import Glibc
import Memory

/// Processors that this process may use.
let processorCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

/// Seconds since some moment, for rates.
func monotonicSeconds() -> Double {
  var now = timespec()
  clock_gettime(CLOCK_MONOTONIC, &now)
  return Double(now.tv_sec) + Double(now.tv_nsec) * 1e-9
}

/// The columns of the terminal that standard output is; nil when it is none.
func terminalWidth() -> Int? {
  guard isatty(STDOUT_FILENO) == 1 else { return nil }
  var size = winsize()
  // A terminal that does not know its size says 0.
  guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
  return Int(size.ws_col)
}

/// Writes to standard error, past any buffer.
func printError(_ text: String) {
  var text = text
  text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

extension String {
  /// This text without what could steer a terminal: names in files from outside may hold any character.
  var withoutControls: String {
    unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{FFFD}" : "\($0)" }.joined()
  }
}

/// Writes to standard output; `print` would not say that a disk is full.
func printOutput(_ text: String) throws(DataError) {
  let output = DescriptorSink(.standardOutput, name: "standard output")
  try output.write([Buffer(copying: Array(text.utf8))])
  try output.flush()
}

/// A number of bytes as people read it.
func readableBytes(_ bytes: Int) -> String {
  let units = ["bytes", "KiB", "MiB", "GiB", "TiB"]
  var value = Double(bytes)
  var unit = 0
  while value >= 1024, unit < units.count - 1 {
    value /= 1024
    unit += 1
  }
  return unit == 0 ? "\(bytes) bytes" : "\(rounded(value)) \(units[unit])"
}

/// A number with three significant digits or so.
func rounded(_ value: Double) -> String {
  let factor = value >= 100 ? 1.0 : value >= 10 ? 10.0 : 100.0
  let number = (value * factor).rounded() / factor
  return factor == 1 ? "\(Int(number))" : "\(number)"
}

/// A bar on standard error, when that is a terminal: how far, how many rows, how fast.
struct ProgressBar {
  let isShown: Bool
  private let total: Int?
  private let started = monotonicSeconds()
  private var lastDrawn = 0.0
  private(set) var rows = 0

  /// - Parameter total: the rows to come, where that is known.
  init(total: Int?, isQuiet: Bool) {
    isShown = !isQuiet && isatty(STDERR_FILENO) == 1
    self.total = total
  }

  var seconds: Double { monotonicSeconds() - started }

  mutating func advance(rows more: Int) {
    rows += more
    let rows = rows
    draw(share: total.flatMap { $0 > 0 ? min(1, Double(rows) / Double($0)) : nil }) { seconds in
      "\(rows.grouped) rows  \(Int(Double(rows) / max(seconds, 0.001)).grouped) rows/s"
    }
  }

  /// Of a query that has no rows yet: how far it is, where that is known.
  mutating func wait(share: Double?) {
    draw(share: share) { seconds in "running for \(rounded(seconds)) s" }
  }

  private mutating func draw(share: Double?, _ words: (Double) -> String) {
    let now = monotonicSeconds()
    // Ten times a second is as often as anybody can see.
    guard isShown, now - lastDrawn > 0.1 else { return }
    lastDrawn = now
    var line = "\r"
    if let share {
      let filled = Int(share * 30)
      line += "[" + String(repeating: "#", count: filled) + String(repeating: "-", count: 30 - filled) + "] "
      line += "\(Int(share * 100))".leftPadded(to: 3) + " %  "
    }
    printError((line + words(now - started)).padded(to: 78))
  }

  /// Takes the bar away, so that what follows stands on a line of its own.
  mutating func finish() {
    if isShown, lastDrawn > 0 { printError("\r" + String(repeating: " ", count: 78) + "\r") }
    lastDrawn = 0
  }
}
