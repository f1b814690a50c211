// Texts become values of settings, or are refused with what the setting takes.

import GRPC
import HTTP2
import Memory

extension ServerSetting {
  /// Reads a value and puts it in its place.
  /// - Throws: `.invalid`, with what the setting takes; the name is for the caller to say.
  public func set(_ text: String, in configuration: inout ServerConfiguration) throws(DataError) {
    try set([text], in: &configuration)
  }

  /// - Parameter texts: several only where the setting is repeatable.
  public func set(_ texts: [String], in configuration: inout ServerConfiguration) throws(DataError) {
    if case .texts(let path, _) = place {
      configuration[keyPath: path] = texts
      return
    }
    guard let text = texts.last, texts.count == 1 else {
      throw DataError(.invalid, "takes one value, not \(texts.count)")
    }
    switch place {
    case .count(let path, let range): configuration[keyPath: path] = try count(text, range)
    case .optionalCount(let path, let range):
      configuration[keyPath: path] = text == "off" ? nil : try count(text, range)
    case .bytes(let path, let range): configuration[keyPath: path] = try bytes(text, range)
    case .optionalBytes(let path, let range):
      configuration[keyPath: path] = text == "off" ? nil : try bytes(text, range)
    case .time(let path): configuration[keyPath: path] = try time(text)
    case .optionalTime(let path):
      configuration[keyPath: path] = text == "off" ? nil : try time(text, orOff: true)
    case .rate(let path): configuration[keyPath: path] = try rate(text)
    case .flag(let path): configuration[keyPath: path] = try truth(text)
    case .text(let path, _): configuration[keyPath: path] = text.isEmpty ? nil : text
    case .log(let path):
      guard let form = LogForm(rawValue: text) else {
        throw DataError(
          .invalid, "takes one of \(form.split(separator: "|").joined(separator: ", ")), not '\(text)'")
      }
      configuration[keyPath: path] = form
    case .texts: break
    }
  }

  private func count(_ text: String, _ range: ClosedRange<Int>) throws(DataError) -> Int {
    guard let value = Int(text.filter { $0 != "_" }), range.contains(value) else {
      throw DataError(
        .invalid, "takes a whole number, \(range.lowerBound) to \(range.upperBound), not '\(text)'")
    }
    return value
  }

  private func bytes(_ text: String, _ range: ClosedRange<Int>) throws(DataError) -> Int {
    guard let value = SettingText.bytes(text) else {
      throw DataError(.invalid, "takes a size such as 64K or 32M, not '\(text)'")
    }
    guard range.contains(value) else {
      throw DataError(
        .invalid,
        "takes a size from \(SettingText.bytes(range.lowerBound)) to \(SettingText.bytes(range.upperBound)), not '\(text)'"
      )
    }
    return value
  }

  private func time(_ text: String, orOff: Bool = false) throws(DataError) -> Duration {
    guard let value = SettingText.time(text), value > .zero else {
      throw DataError(
        .invalid, "takes a time such as 500ms, 30s, 15m or 24h\(orOff ? ", or off" : ""), not '\(text)'")
    }
    return value
  }

  private func rate(_ text: String) throws(DataError) -> Rate {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) ?? 0 }
    guard parts.count == 2, parts.allSatisfy((1...1_000_000_000).contains) else {
      throw DataError(
        .invalid, "takes how many at once and how many a second, such as 512/64, not '\(text)'")
    }
    return Rate(burst: parts[0], perSecond: parts[1])
  }

  private func truth(_ text: String) throws(DataError) -> Bool {
    switch text.lowercased() {
    case "true", "yes", "on", "1": return true
    case "false", "no", "off", "0": return false
    default: throw DataError(.invalid, "takes true or false, not '\(text)'")
    }
  }
}
