// The syntax tree of CREATE.

public struct CreateTable: Sendable {
  public var definition: Definition
  public var columns: [ColumnDefinition]
  public var constraints: [TableConstraint]
  public var isStrict: Bool
  public var isWithoutRowid: Bool
  /// CREATE TABLE … AS SELECT.
  public var select: Select?
}

public struct ColumnDefinition: Sendable {
  public var name: Name
  public var type: TypeName
  public var constraints: [ColumnConstraint]
}

public enum ColumnConstraint: Sendable {
  case primaryKey(isDescending: Bool, isAutoincrement: Bool)
  case notNull
  case nullable
  case unique
  case check(Expression)
  case defaultValue(Expression)
  case collate(Name)
  case references(Name, columns: [Name])
  case generated(Expression, isStored: Bool)
}

public enum TableConstraint: Sendable {
  case primaryKey([OrderingTerm])
  case unique([OrderingTerm])
  case check(Expression)
  case foreignKey([Name], references: Name, columns: [Name])
}

public struct CreateIndex: Sendable {
  public var definition: Definition
  public var isUnique: Bool
  public var table: Name
  public var columns: [OrderingTerm]
  public var `where`: Expression?
}

public struct CreateView: Sendable {
  public var definition: Definition
  public var columns: [Name]
  public var select: Select
}

public struct CreateTrigger: Sendable {
  public var definition: Definition
  public var table: QualifiedName
  public var statements: [Statement.Kind]
}
