// The names that one SELECT … FROM … sees.

/// A core while it is being bound: a class, because subqueries look into the cores around them.
final class Scope {
  /// One of the terms of FROM, as a place for names.
  struct Place {
    var join: Join
    /// Folded names of USING, or what NATURAL makes of it.
    var using: Set<String> = []
  }

  /// What stands in the list of results, stars expanded.
  enum Result {
    case expression(Expression, alias: String?, source: SourceRange)
    /// From a star, with the name it gives.
    case column(ColumnReference, name: String)
    /// From a star, where a FULL JOIN merges columns of that name.
    case merged(name: String, range: SourceRange)

    var alias: String? {
      switch self {
      case .expression(_, let alias, _): alias
      case .column(_, let name): name
      case .merged(let name, _): name
      }
    }
  }

  let parent: Scope?
  var sources: [BoundSource] = []
  var places: [Place] = []
  var results: [Result] = []
  /// Aliases of results are visible everywhere but in the list of results itself.
  var seesAliases = false
  /// While GROUP BY and ORDER BY are bound.
  var hidesOuter = false
  var allowsAggregates = false
  var allowsWindows = false
  var windows: [NamedWindow] = []
  var aggregates: [BoundAggregate] = []
  var aggregateKeys: [String: Int] = [:]
  var windowCalls: [BoundWindowCall] = []
  /// How many queries outwards anything in this core reaches.
  var outerDepth = 0
  /// The sources of this scope that the expression in progress refers to.
  var usedSources: Set<Int> = []
  /// The smallest depth that a column of the expression in progress has; nil without columns.
  var nearestDepth: Int?
  var aliasNesting = 0

  init(parent: Scope?) { self.parent = parent }

  /// Whether a RIGHT or FULL JOIN stands in this FROM.
  var hasRightJoin: Bool { places.contains { $0.join.kind == .right || $0.join.kind == .full } }

  /// Notes that something here refers `depth` queries outwards.
  func reach(_ depth: Int) {
    nearestDepth = min(nearestDepth ?? depth, depth)
    guard depth > 0 else { return }
    outerDepth = max(outerDepth, depth)
  }
}

/// Common tables that a query sees, innermost WITH first.
final class CommonTables {
  final class Entry {
    enum State {
      case unbound, binding
      /// While its recursive part is bound: what is known of its columns so far.
      case recursing(number: Int, columns: [BoundResultColumn])
      case bound(BoundSelect)
    }
    let syntax: CommonTable
    let environment: CommonTables
    let parent: Scope?
    var state = State.unbound
    /// References inside of the recursive term.
    var references = 0

    init(_ syntax: CommonTable, _ environment: CommonTables, _ parent: Scope?) {
      self.syntax = syntax
      self.environment = environment
      self.parent = parent
    }
  }

  private let outer: CommonTables?
  private var entries: [String: Entry] = [:]

  init(outer: CommonTables?) { self.outer = outer }

  func add(_ table: CommonTable, _ parent: Scope?) throws(SQLError) {
    let name = table.name.text.sqlFolded
    guard entries[name] == nil else {
      throw SQLError(.misuse, "duplicate WITH table name: \(table.name.text)", at: table.name.range.offset)
    }
    entries[name] = Entry(table, self, parent)
  }

  func entry(_ folded: String) -> Entry? { entries[folded] ?? outer?.entry(folded) }
}
