// Parameters get their numbers in the order of the text, as SQLite gives them.

struct ParameterTable {
  /// Debian's SQLITE_MAX_VARIABLE_NUMBER.
  static let maximumNumber = 250_000

  private(set) var count = 0
  private var numbers: [String: Int] = [:]
  private var names: [Int: String] = [:]

  /// The parameter that this text (`?`, `?12`, `:name`) is.
  mutating func parameter(_ text: String, at offset: Int) throws(SQLError) -> Parameter {
    if text.utf8.count == 1 {
      guard count < Self.maximumNumber else { throw SQLError(.limit, "too many SQL variables", at: offset) }
      count += 1
      return Parameter(number: count, name: nil)
    }
    if text.utf8.first == UInt8(ascii: "?") {
      guard let number = Int(text.dropFirst()), number >= 1, number <= Self.maximumNumber else {
        throw SQLError(.limit, "variable number must be between ?1 and ?\(Self.maximumNumber)", at: offset)
      }
      count = max(count, number)
      if names[number] == nil { names[number] = text }
      return Parameter(number: number, name: text)
    }
    if let number = numbers[text] { return Parameter(number: number, name: text) }
    guard count < Self.maximumNumber else { throw SQLError(.limit, "too many SQL variables", at: offset) }
    count += 1
    numbers[text] = count
    names[count] = text
    return Parameter(number: count, name: text)
  }

  var all: [Parameter] {
    count == 0 ? [] : (1...count).map { Parameter(number: $0, name: names[$0]) }
  }
}
