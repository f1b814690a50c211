// SQLite 3.40's functions: how many arguments they take, and what they are.

struct FunctionTable: Sendable {
  enum Kind: UInt8, Sendable { case scalar, aggregate, window }

  struct Entry: Sendable {
    var kind: Kind
    var arguments: ClosedRange<Int>
    var isVolatile = false
  }

  static let shared = FunctionTable()

  private var scalars: [String: Entry] = [:]
  private var aggregates: [String: Entry] = [:]
  private var windows: [String: Entry] = [:]

  /// The function that a call of this name (folded) with so many arguments is: min(x) is an aggregate, min(x, y) is not.
  func entry(_ name: String, arguments: Int) -> Entry? {
    if let entry = aggregates[name], entry.arguments.contains(arguments) || scalars[name] == nil {
      return entry
    }
    return scalars[name] ?? windows[name]
  }

  private init() {
    func add(_ names: String, _ arguments: ClosedRange<Int>, isVolatile: Bool = false) {
      for name in names.split(separator: " ") {
        scalars[String(name)] = Entry(kind: .scalar, arguments: arguments, isVolatile: isVolatile)
      }
    }
    add("abs hex length likely unlikely lower upper quote sign soundex typeof unicode zeroblob", 1...1)
    add("ifnull instr nullif likelihood glob", 2...2)
    add("like substr substring", 2...3)
    add("replace iif", 3...3)
    add("trim ltrim rtrim round", 1...2)
    add("min max coalesce", 2...127)
    add("char printf format", 0...127)
    add(
      "changes total_changes last_insert_rowid random current_date current_time current_timestamp", 0...0,
      isVolatile: true)
    add("randomblob", 1...1, isVolatile: true)
    add("sqlite_version sqlite_source_id pi", 0...0)
    add("sqlite_compileoption_get sqlite_compileoption_used", 1...1)
    add("date time datetime julianday unixepoch", 0...127)
    add("strftime", 1...127)
    add(
      "acos acosh asin asinh atan atanh ceil ceiling cos cosh degrees exp floor ln log10 log2 radians sin sinh sqrt tan tanh trunc",
      1...1)
    add("atan2 mod pow power", 2...2)
    add("log", 1...2)
    add("json json_valid json_quote", 1...1)
    add("json_array json_object json_insert json_replace json_set json_remove json_extract", 0...127)
    add("json_array_length json_type", 1...2)
    add("json_patch", 2...2)
    func aggregate(_ names: String, _ arguments: ClosedRange<Int>) {
      for name in names.split(separator: " ") {
        aggregates[String(name)] = Entry(kind: .aggregate, arguments: arguments)
      }
    }
    aggregate("count", 0...1)
    aggregate("sum total avg min max json_group_array", 1...1)
    aggregate("group_concat", 1...2)
    aggregate("json_group_object", 2...2)
    func window(_ names: String, _ arguments: ClosedRange<Int>) {
      for name in names.split(separator: " ") {
        windows[String(name)] = Entry(kind: .window, arguments: arguments)
      }
    }
    window("row_number rank dense_rank percent_rank cume_dist", 0...0)
    window("ntile first_value last_value", 1...1)
    window("nth_value", 2...2)
    window("lag lead", 1...3)
  }
}
