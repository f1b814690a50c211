// A published table as one connection sees it: a virtual table over segments, delta and tombstones.

import Arrow
import Memory
import SQLite

/// The virtual table. Its shadow tables are named by the catalog's number, so that renaming it touches nothing else.
final class PublishedTable: VirtualTable {
  let id: Int64
  let schema: Schema
  private(set) var name: String
  unowned let module: TableModule
  var connection: Connection { module.connection }

  /// The snapshot that was read last, and what the connection's data version was then.
  private var current: (snapshot: TableSnapshot, dataVersion: UInt32)?
  /// Snapshots whose bytes statements of this connection may still refer to.
  private(set) var pinned: [TableSnapshot] = []
  /// Whether this connection's open transaction has changed the table.
  private(set) var isChanged = false
  /// The version that the open transaction has given the table; nil when it has not, or a savepoint took it back.
  private var newVersion: Int64?
  /// The highest row id in use, while it is known.
  var lastRow: Int64?

  private var versionStatement: Statement?
  private var freeDeltaScans: [Statement] = []
  private var freeScratches: [ScanScratch] = []
  /// Changes with everything that this connection may see of the delta.
  private var deltaGeneration = 0
  /// How often an equality of a column was looked for in the delta, and the index that was made for it.
  private var deltaLookups: (generation: Int, column: Int, count: Int, index: DeltaIndex?) = (-1, -1, 0, nil)
  /// Rows that scans for equalities have passed over, by column; of the snapshot with a serial number.
  private var passed: (serial: Int, rows: [Int]) = (-1, [])
  private var writer: TableWriter?

  init(id: Int64, name: String, schema: Schema, module: TableModule) {
    self.id = id
    self.name = name
    self.schema = schema
    self.module = module
  }

  var deltaName: String { Catalog.deltaName(id) }
  var tombstonesName: String { Catalog.tombstonesName(id) }

  // MARK: The snapshot

  /// The table as the connection's transaction sees it.
  func snapshot() throws(SQLiteError) -> TableSnapshot {
    let dataVersion = connection.dataVersion
    if let current, current.dataVersion == dataVersion, isChanged || !connection.isWriting {
      return current.snapshot
    }
    let version = try readVersion()
    if let current, current.snapshot.version == version {
      self.current = (current.snapshot, dataVersion)
      return current.snapshot
    }
    let snapshot = try module.catalog.snapshot(
      of: id, version: version, schema: schema, on: connection, isPrivate: isChanged || connection.isWriting)
    current = (snapshot, dataVersion)
    deltaGeneration += 1
    return snapshot
  }

  /// The table's version. Its cost is what keeps the snapshot cached: 2 µs.
  private func readVersion() throws(SQLiteError) -> Int64 {
    let statement: Statement
    if let versionStatement {
      statement = versionStatement
    } else {
      statement = try connection.internalStatement("SELECT version FROM fletch_tables WHERE id = ?1")
      try statement.bind(id, to: 1)
      versionStatement = statement
    }
    defer { statement.reset() }
    guard try statement.step() else {
      throw SQLiteError(.corrupt, "table '\(name)' is not in the catalog")
    }
    return statement.integer(0)
  }

  /// Keeps the bytes of a snapshot in place for as long as statements may refer to them.
  func pin(_ snapshot: TableSnapshot) {
    if pinned.last?.serial == snapshot.serial { return }
    pinned.append(snapshot)
  }

  /// Nothing of this connection is running any more.
  func unpin() { pinned = [] }

  /// Changes the snapshot along with the tables, within a transaction that is changing them.
  func change(_ body: (inout TableSnapshot) -> Void) {
    guard var snapshot = current?.snapshot else { return }
    // The old value must not hold on to the bitmaps, or each change would copy one.
    let dataVersion = current!.dataVersion
    current = nil
    body(&snapshot)
    current = (snapshot, dataVersion)
  }

  func forget() {
    current = nil
    deltaGeneration += 1
    lastRow = nil
  }

  // MARK: Reading

  override func bestIndex(_ index: borrowing IndexRequest) throws(SQLiteError) -> Bool { try plan(index) }

  override func makeCursor() throws(SQLiteError) -> VirtualCursor { TableCursor(self) }

  /// A statement that reads the rows of the delta in a range of row ids.
  func takeDeltaScan() throws(SQLiteError) -> Statement {
    if let statement = freeDeltaScans.popLast() { return statement }
    let columns = schema.fields.indices.map { ", c\($0)" }.joined()
    return try connection.internalStatement(
      "SELECT row\(columns) FROM \(deltaName) WHERE row BETWEEN ?1 AND ?2 ORDER BY row")
  }

  func giveBack(_ statement: Statement) {
    statement.reset()
    freeDeltaScans.append(statement)
  }

  /// The rows of the delta that have a value in a column; nil when they are to be looked for one by one, which is quicker a few times.
  func deltaRows(_ column: Int, _ value: SQLValue, count: Int) throws(SQLiteError) -> [Int64]? {
    guard count > 16, count <= DeltaIndex.rowLimit else { return nil }
    if deltaLookups.generation != deltaGeneration || deltaLookups.column != column {
      deltaLookups = (deltaGeneration, column, 0, nil)
    }
    deltaLookups.count += 1
    if deltaLookups.count == 8 {
      deltaLookups.index = try DeltaIndex(
        connection.internalStatement("SELECT row, c\(column) FROM \(deltaName) ORDER BY row"))
    }
    return deltaLookups.index?.find(value)
  }

  func takeScratch() -> ScanScratch { freeScratches.popLast() ?? ScanScratch() }

  func giveBack(_ scratch: ScanScratch) { if freeScratches.count < 4 { freeScratches.append(scratch) } }

  func noteEqualityScan(_ column: Int, rows: Int) {
    if passed.serial != current?.snapshot.serial {
      passed = (current?.snapshot.serial ?? -1, Array(repeating: 0, count: schema.fields.count))
    }
    passed.rows[column] += rows
  }

  func equalityScans(_ column: Int) -> Int {
    passed.serial == current?.snapshot.serial && passed.serial >= 0 ? passed.rows[column] : 0
  }

  // MARK: Writing

  override func delete(row: Int64) throws(SQLiteError) { try changes().delete(row) }

  override func insert(row: Int64?, _ values: ArgumentList) throws(SQLiteError) -> Int64 {
    try changes().insert(row, values)
  }

  override func update(row: Int64, newRow: Int64, _ values: ArgumentList) throws(SQLiteError) {
    try changes().update(row, newRow, values)
  }

  private func changes() throws(SQLiteError) -> TableWriter {
    deltaGeneration += 1
    try markChanged()
    if let writer { return writer }
    let writer = try TableWriter(self)
    self.writer = writer
    return writer
  }

  // MARK: Transactions

  override func begin() throws(SQLiteError) {
    _ = try snapshot()
    try markChanged()
    isChanged = true
    // The snapshot goes on to be right: it is the version that is another.
    lastRow = nil
  }

  /// Gives the table another version, once in a transaction, so that readers read it anew.
  func markChanged() throws(SQLiteError) {
    if newVersion != nil { return }
    let statement = try connection.internalStatement(
      "UPDATE fletch_tables SET version = version + 1 WHERE id = ?1 RETURNING version")
    try statement.bind(id, to: 1)
    guard try statement.step() else {
      throw SQLiteError(.corrupt, "table '\(name)' is not in the catalog")
    }
    let version = statement.integer(0)
    _ = try statement.step()
    newVersion = version
  }

  override func commit() {
    // What this transaction knows of the table is what everybody will see: nobody has to read it again.
    if isChanged, let newVersion, let known = current {
      var snapshot = known.snapshot
      snapshot.version = newVersion
      module.catalog.share(snapshot)
      current = (snapshot, known.dataVersion)
    } else {
      current = nil
    }
    isChanged = false
    newVersion = nil
    lastRow = nil
  }

  override func rollback() {
    isChanged = false
    newVersion = nil
    forget()
  }

  /// The savepoint may have been set before the table was given its new version.
  override func rollback(toSavepoint number: Int) throws(SQLiteError) {
    newVersion = nil
    forget()
  }

  // MARK: Life

  override func rename(to name: String) throws(SQLiteError) {
    guard !Catalog.isReserved(name) else {
      throw SQLiteError(.error, "names that begin with 'fletch_' are Fletch's own")
    }
    let statement = try connection.internalStatement("UPDATE fletch_tables SET name = ?2 WHERE id = ?1")
    try statement.bind(id, to: 1)
    try statement.bind(.text(name), to: 2)
    _ = try statement.step()
    self.name = name
  }

  override func destroy() throws(SQLiteError) {
    writer = nil
    freeDeltaScans = []
    versionStatement = nil
    try module.catalog.drop(id, on: connection)
  }
}

extension Connection {
  /// A statement of Fletch's own, which no authorizer is asked about, and which does not keep the connection open.
  func internalStatement(_ sql: String) throws(SQLiteError) -> Statement {
    let statement = try unauthorized { () throws(SQLiteError) in
      try Statement(self, sql, persistent: true, keepsConnection: false)
    }
    return statement!
  }

  /// Runs a statement of Fletch's own that returns nothing.
  func runInternal(_ sql: String, _ parameters: Int64...) throws(SQLiteError) {
    let statement = try internalStatement(sql)
    for (i, parameter) in parameters.enumerated() { try statement.bind(parameter, to: i + 1) }
    _ = try statement.step()
  }
}
