// What the wire calls to have SQL run. The engine may be in this process or far away; nothing here says which.

import Arrow

/// Something that runs SQL.
public protocol QueryEngine: Sendable {
  /// What the engine is, for clients that ask.
  var information: EngineInformation { get }

  /// A session of one client. Sessions are independent: what one sets, no other sees.
  func makeSession() throws(EngineError) -> any EngineSession

  /// Ends everything. What runs is cancelled.
  func shutDown()
}

public struct EngineInformation: Sendable {
  public var name: String
  public var version: String
  /// The version of the SQL dialect's reference.
  public var dialectVersion: String
  public var isReadOnly: Bool

  public init(name: String, version: String, dialectVersion: String, isReadOnly: Bool) {
    self.name = name
    self.version = version
    self.dialectVersion = dialectVersion
    self.isReadOnly = isReadOnly
  }
}

/// One client's side of an engine. Methods block, and may be called from any thread, also at the same time.
public protocol EngineSession: AnyObject, Sendable {
  // MARK: Statements

  /// Compiles a statement and settles what its result is.
  /// - Parameters:
  ///   - transaction: nil for a statement that is a transaction by itself, or in the one that the session began with SQL.
  ///   - willRun: whether the caller runs it next: what it is prepared on may be kept for that, until it is run or closed.
  func prepare(
    _ sql: String, in transaction: TransactionID?, willRun: Bool, _ control: StatementControl
  ) throws(EngineError) -> any EngineStatement

  /// Runs several statements in one transaction, or in the one given, and forgets their rows.
  func execute(script: String, in transaction: TransactionID?, _ control: StatementControl)
    throws(EngineError)

  // MARK: Transactions

  func begin() throws(EngineError) -> TransactionID
  func commit(_ transaction: TransactionID, _ control: StatementControl) throws(EngineError)
  func rollback(_ transaction: TransactionID) throws(EngineError)
  /// Whether a transaction is open, begun in whichever way.
  var isInTransaction: Bool { get }
  /// Rolls back all that is open; the session goes on.
  func rollBackAll()
  /// Savepoints of a transaction nest; releasing or rolling back to one ends those within it.
  func savepoint(_ name: String, in transaction: TransactionID) throws(EngineError) -> SavepointID
  func release(_ savepoint: SavepointID) throws(EngineError)
  func rollback(to savepoint: SavepointID) throws(EngineError)

  // MARK: Tables as they are

  /// A stored table; nil for a name that is none, or that of a view.
  func stored(_ table: TableName) throws(EngineError) -> StoredTable?
  /// The rows of a stored table, as they are stored.
  /// - Parameter part: only one of its pieces; nil for all. The last has the rows in motion.
  func scan(
    _ table: TableName, part: Int?, _ control: StatementControl
  ) throws(EngineError) -> any ResultStream

  // MARK: Loading

  /// Loads batches into a table, all of them or none.
  /// - Returns: how many rows.
  func ingest(
    _ request: IngestRequest, in transaction: TransactionID?, _ control: StatementControl,
    next: () throws -> RecordBatch?
  ) throws -> Int

  // MARK: Metadata

  func catalogs() throws(EngineError) -> [String]
  func schemas() throws(EngineError) -> [SchemaDescription]
  /// - Parameter withColumns: whether the columns are wanted, too.
  func tables(withColumns: Bool) throws(EngineError) -> [TableDescription]
  func primaryKey(of table: TableName) throws(EngineError) -> [KeyColumn]
  /// Every foreign key of every table.
  func foreignKeys() throws(EngineError) -> [ForeignKey]

  // MARK: Options

  func option(_ name: String) -> String?
  func options() -> [String: String]
  /// - Throws: `.notFound` for an unknown option, `.invalidArgument` for a value that it does not have.
  func setOption(_ name: String, to value: String?) throws(EngineError)

  /// Rolls back what is open and gives everything back.
  func close()
}

extension EngineSession {
  /// Compiles a statement that is run later, if ever.
  public func prepare(
    _ sql: String, in transaction: TransactionID?, _ control: StatementControl
  ) throws(EngineError) -> any EngineStatement {
    try prepare(sql, in: transaction, willRun: false, control)
  }
}

/// A compiled statement.
public protocol EngineStatement: AnyObject, Sendable {
  var sql: String { get }
  /// The schema of its rows, every field nullable; nil for a statement without rows.
  var resultSchema: Schema? { get }
  /// A field for each parameter in order; of type null where its type is not known.
  var parameterSchema: Schema { get }
  /// Whether it has no rows, so that running it as an update says all.
  var isUpdate: Bool { get }
  /// Whether it changes something, so that it must not run twice.
  var changesData: Bool { get }

  /// The schema of its rows with these parameters: where types follow from parameters only, `resultSchema` cannot know them.
  func resultSchema(for parameters: RecordBatch?, _ control: StatementControl) throws(EngineError) -> Schema?

  /// Begins to run it, once for each row of parameters, or once without any; one result holds all the rows.
  func query(_ parameters: RecordBatch?, _ control: StatementControl) throws(EngineError) -> any ResultStream

  /// Runs it to its end, in one transaction for all rows of parameters.
  /// - Returns: how many rows it changed; nil where that says nothing (DDL, queries).
  func update(_ parameters: RecordBatch?, _ control: StatementControl) throws(EngineError) -> Int?

  /// How it would run, in the engine's words, a line each.
  func explain() throws(EngineError) -> [String]

  func close()
}

/// A result, pulled batch by batch.
public protocol ResultStream: AnyObject, Sendable {
  var schema: Schema { get }
  /// Rows that the statement changed, once it has ended; nil where that says nothing.
  var updateCount: Int? { get }
  /// The next rows; nil behind the last.
  func next() throws(EngineError) -> RecordBatch?
  /// Whether it is known already that no more rows come. False where that is not known.
  var isAtEnd: Bool { get }
  /// Ends it early. To be called in any case; more calls do nothing.
  func close()
}

extension ResultStream {
  public var isAtEnd: Bool { false }
}

/// Names a transaction within a session.
public struct TransactionID: Hashable, Sendable {
  public let value: UInt64
  public init(_ value: UInt64) { self.value = value }
}

public struct SavepointID: Hashable, Sendable {
  public let transaction: TransactionID
  public let value: UInt64

  public init(transaction: TransactionID, _ value: UInt64) {
    self.transaction = transaction
    self.value = value
  }
}
