// The syntax tree of statements.

public struct Statement: Sendable {
  public enum Explain: UInt8, Hashable, Sendable { case none, program, queryPlan }

  public var kind: Kind
  public var explain: Explain
  /// Every parameter number from 1, with its name where it has one.
  public var parameters: [Parameter]
  /// From the first token to the last, without the semicolon.
  public var range: SourceRange

  public enum Kind: Sendable {
    case select(Select)
    case insert(Insert)
    case update(Update)
    case delete(Delete)
    case createTable(CreateTable)
    case createVirtualTable(Definition, module: Name)
    case createIndex(CreateIndex)
    case createView(CreateView)
    case createTrigger(CreateTrigger)
    case drop(ObjectKind, ifExists: Bool, QualifiedName)
    case alter(QualifiedName, Alteration)
    case begin(TransactionKind)
    case commit
    /// To a savepoint, or of all.
    case rollback(to: Name?)
    case savepoint(Name)
    case release(Name)
    case pragma(QualifiedName, value: PragmaValue?)
    case attach(file: Expression, schema: Expression)
    case detach(schema: Expression)
    case vacuum(schema: Name?, into: Expression?)
    case analyze(QualifiedName?)
    case reindex(QualifiedName?)
  }

  public enum TransactionKind: UInt8, Hashable, Sendable { case deferred, immediate, exclusive }
  public enum ObjectKind: UInt8, Hashable, Sendable { case table, view, index, trigger }

  /// Whether it begins, ends or nests a transaction.
  public var isTransactionControl: Bool {
    switch kind {
    case .begin, .commit, .rollback, .savepoint, .release: true
    default: false
    }
  }
}

public struct QualifiedName: Hashable, Sendable {
  public var schema: Name?
  public var name: Name
}

/// What every CREATE has.
public struct Definition: Sendable {
  public var name: QualifiedName
  public var ifNotExists: Bool
  public var isTemporary: Bool
}

/// What to do about a conflict: OR REPLACE and the like.
public enum ConflictAction: UInt8, Hashable, Sendable { case rollback, abort, fail, ignore, replace }

/// The table that a statement changes.
public struct TargetTable: Sendable {
  public var name: QualifiedName
  public var alias: Name?
  public var indexing: Indexing?
}

public struct Insert: Sendable {
  public var with: With?
  public var conflict: ConflictAction?
  public var table: TargetTable
  public var columns: [Name]
  /// nil for DEFAULT VALUES.
  public var source: Select?
  public var upserts: [Upsert]
  public var returning: [ResultColumn]
}

public struct Upsert: Sendable {
  public var target: [OrderingTerm]
  public var targetWhere: Expression?
  /// nil for DO NOTHING.
  public var update: [Assignment]?
  public var updateWhere: Expression?
}

public struct Assignment: Sendable {
  /// Several for `(a, b) = …`.
  public var columns: [Name]
  public var value: Expression
}

public struct Update: Sendable {
  public var with: With?
  public var conflict: ConflictAction?
  public var table: TargetTable
  public var assignments: [Assignment]
  public var from: [FromTerm]
  public var `where`: Expression?
  public var returning: [ResultColumn]
  public var orderBy: [OrderingTerm]
  public var limit: Expression?
  public var offset: Expression?
}

public struct Delete: Sendable {
  public var with: With?
  public var table: TargetTable
  public var `where`: Expression?
  public var returning: [ResultColumn]
  public var orderBy: [OrderingTerm]
  public var limit: Expression?
  public var offset: Expression?
}

public enum PragmaValue: Sendable {
  /// A name, a string or a number, as text.
  case assigned(String)
  case called(String)
}

public enum Alteration: Sendable {
  case renameTable(Name)
  case renameColumn(Name, to: Name)
  case addColumn(ColumnDefinition)
  case dropColumn(Name)
}
