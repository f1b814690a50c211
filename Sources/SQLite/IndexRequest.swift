// What SQLite's planner asks a virtual table: these constraints, this order, these columns – how, and at what cost?

import CSQLite

/// A question of the planner, and the place of the answer (https://sqlite.org/vtab.html#the_xbestindex_method).
public struct IndexRequest: ~Copyable {
  private let info: UnsafeMutablePointer<sqlite3_index_info>

  init(_ info: UnsafeMutablePointer<sqlite3_index_info>) { self.info = info }

  public enum Operator: Sendable, Equatable {
    case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
    case `is`, isNot, isNull, isNotNull
    case like, glob, match, regexp
    case limit, offset
    case function(Int)

    init?(_ code: UInt8) {
      switch Int32(code) {
      case SQLITE_INDEX_CONSTRAINT_EQ: self = .equal
      case SQLITE_INDEX_CONSTRAINT_NE: self = .notEqual
      case SQLITE_INDEX_CONSTRAINT_LT: self = .less
      case SQLITE_INDEX_CONSTRAINT_LE: self = .lessOrEqual
      case SQLITE_INDEX_CONSTRAINT_GT: self = .greater
      case SQLITE_INDEX_CONSTRAINT_GE: self = .greaterOrEqual
      case SQLITE_INDEX_CONSTRAINT_IS: self = .is
      case SQLITE_INDEX_CONSTRAINT_ISNOT: self = .isNot
      case SQLITE_INDEX_CONSTRAINT_ISNULL: self = .isNull
      case SQLITE_INDEX_CONSTRAINT_ISNOTNULL: self = .isNotNull
      case SQLITE_INDEX_CONSTRAINT_LIKE: self = .like
      case SQLITE_INDEX_CONSTRAINT_GLOB: self = .glob
      case SQLITE_INDEX_CONSTRAINT_MATCH: self = .match
      case SQLITE_INDEX_CONSTRAINT_REGEXP: self = .regexp
      case SQLITE_INDEX_CONSTRAINT_LIMIT: self = .limit
      case SQLITE_INDEX_CONSTRAINT_OFFSET: self = .offset
      case 150...: self = .function(Int(code))
      default: return nil
      }
    }
  }

  public struct Constraint {
    public let index: Int
    /// -1 for the row id.
    public let column: Int
    public let comparison: Operator
    /// Whether the right side is known when the scan begins.
    public let isUsable: Bool
  }

  public var constraintCount: Int { Int(info.pointee.nConstraint) }

  /// Nil for an operator of a later SQLite.
  public func constraint(_ index: Int) -> Constraint? {
    precondition(index >= 0 && index < constraintCount)
    let constraint = info.pointee.aConstraint[index]
    guard let comparison = Operator(constraint.op) else { return nil }
    return Constraint(
      index: index, column: Int(constraint.iColumn), comparison: comparison, isUsable: constraint.usable != 0)
  }

  /// The collating sequence of a comparison of text.
  public func collation(_ index: Int) -> String {
    String(cString: sqlite3_vtab_collation(info, Int32(index)))
  }

  /// The right side of a constraint when it is a constant.
  public func constant(_ index: Int) -> SQLValue? {
    var value: OpaquePointer?
    guard sqlite3_vtab_rhs_value(info, Int32(index), &value) == SQLITE_OK, let value else { return nil }
    return BorrowedValue(value).value
  }

  /// Whether a constraint is an IN whose values can come all at once; `takesAll` asks for that.
  public func isList(_ index: Int, takesAll: Bool = false) -> Bool {
    sqlite3_vtab_in(info, Int32(index), takesAll ? 1 : -1) != 0
  }

  /// Asks for a constraint's value.
  /// - Parameters:
  ///   - argument: its place among the arguments of `filter`, from 0 on.
  ///   - isExact: whether SQLite may leave its own check out.
  public borrowing func use(_ index: Int, argument: Int, isExact: Bool) {
    info.pointee.aConstraintUsage[index].argvIndex = Int32(argument + 1)
    info.pointee.aConstraintUsage[index].omit = isExact ? 1 : 0
  }

  /// The columns of ORDER BY (or of GROUP BY and DISTINCT, see `distinctMode`).
  public var order: [(column: Int, isDescending: Bool)] {
    (0..<Int(info.pointee.nOrderBy)).map {
      (Int(info.pointee.aOrderBy[$0].iColumn), info.pointee.aOrderBy[$0].desc != 0)
    }
  }

  /// What `order` is for (https://sqlite.org/c3ref/vtab_distinct.html); 0 for ORDER BY itself.
  public var distinctMode: Int { Int(sqlite3_vtab_distinct(info)) }

  /// Says that rows come in the order asked for.
  public borrowing func setOrdered() { info.pointee.orderByConsumed = 1 }

  /// A bit for each column in use; the highest stands for all columns from 63 on.
  public var usedColumns: UInt64 { info.pointee.colUsed }

  /// - Parameters:
  ///   - text: handed to `filter` as it is.
  ///   - cost: in units of about one row read.
  public borrowing func answer(plan: Int, text: [UInt8], cost: Double, rows: Int, isUnique: Bool) {
    info.pointee.idxNum = Int32(plan)
    info.pointee.estimatedCost = cost
    info.pointee.estimatedRows = Int64(rows)
    if isUnique { info.pointee.idxFlags |= SQLITE_INDEX_SCAN_UNIQUE }
    guard !text.isEmpty, let copy = sqlite3_malloc64(UInt64(text.count + 1)) else { return }
    text.withUnsafeBytes { copy.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
    copy.storeBytes(of: 0, toByteOffset: text.count, as: UInt8.self)
    info.pointee.idxStr = copy.assumingMemoryBound(to: CChar.self)
    info.pointee.needToFreeIdxStr = 1
  }
}
