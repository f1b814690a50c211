// Which tables are published, and which segments they have: ordinary SQLite tables, so that they change with the transaction.

import Arrow
import Memory
import SQLite
import Synchronization

/// The catalog of a database. Connections share it; what it reads, it reads on the connection that asks.
final class Catalog: Sendable {
  /// Where the database's own segments are.
  let folder: String
  let store: SegmentStore
  let indexes = IndexCache()
  /// The last snapshot of each table that was committed, so that connections share one.
  private let shared = Mutex<[Int64: TableSnapshot]>([:])

  init(folder: String) {
    self.folder = folder
    store = SegmentStore(indexes)
  }

  /// The database's format; a later one is refused.
  static let format: Int64 = 1

  static let tables = """
    CREATE TABLE IF NOT EXISTS fletch_tables (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      name TEXT NOT NULL,
      schema BLOB NOT NULL,       -- an Arrow IPC stream without batches
      version INTEGER NOT NULL    -- differs after every transaction that changed the table
    ) STRICT;
    CREATE TABLE IF NOT EXISTS fletch_segments (
      id INTEGER PRIMARY KEY AUTOINCREMENT,
      table_id INTEGER NOT NULL,
      path TEXT NOT NULL,         -- within the database's folder; absolute for a file that is used where it is
      is_own INTEGER NOT NULL,    -- whether the file goes with the segment
      first_row INTEGER NOT NULL,
      rows INTEGER NOT NULL,
      bytes INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS fletch_segments_of_tables ON fletch_segments (table_id, first_row);
    """

  static func deltaName(_ id: Int64) -> String { "fletch_delta_\(id)" }
  static func tombstonesName(_ id: Int64) -> String { "fletch_gone_\(id)" }

  /// Names that statements of users may not touch.
  static func isReserved(_ name: String) -> Bool { name.lowercased().hasPrefix("fletch_") }

  func path(_ stored: String) -> String { stored.hasPrefix("/") ? stored : "\(folder)/\(stored)" }

  // MARK: Reading

  /// The published table with a number.
  func table(_ id: Int64, on connection: Connection) throws(SQLiteError) -> (name: String, schema: Schema) {
    let statement = try connection.internalStatement("SELECT name, schema FROM fletch_tables WHERE id = ?1")
    try statement.bind(id, to: 1)
    guard try statement.step() else { throw SQLiteError(.corrupt, "no published table has the number \(id)") }
    let bytes = statement.blob(1)
    let name = statement.text(0)
    statement.reset()
    do throws(DataError) { return (name, try SchemaBytes.decode(bytes)) } catch {
      throw SQLiteError(.corrupt, "the schema of table '\(name)' cannot be read: \(error)")
    }
  }

  /// The state of a table that the connection's transaction sees.
  /// - Parameter isPrivate: whether it is of a transaction that is not committed, and nobody else may see it.
  func snapshot(
    of id: Int64, version: Int64, schema: Schema, on connection: Connection, isPrivate: Bool
  ) throws(SQLiteError) -> TableSnapshot {
    if !isPrivate, let known = shared.withLock({ $0[id] }), known.version == version { return known }
    let segments = try segments(of: id, schema, on: connection)
    var snapshot = TableSnapshot(
      table: id, version: version, schema: schema, segments: segments, deltaCount: 0)
    let gone = try connection.internalStatement("SELECT row FROM \(Catalog.tombstonesName(id))")
    while try gone.step() { snapshot.bury(gone.integer(0)) }
    let delta = try connection.internalStatement("SELECT count(*) FROM \(Catalog.deltaName(id))")
    if try delta.step() { snapshot.deltaCount = Int(delta.integer(0)) }
    if !isPrivate { share(snapshot) }
    return snapshot
  }

  /// Hands on a snapshot that is committed, unless a later one is known.
  func share(_ snapshot: TableSnapshot) {
    shared.withLock { known in
      if let other = known[snapshot.table], other.version > snapshot.version { return }
      known[snapshot.table] = snapshot
    }
  }

  /// Lets go of what is known of a table that may be gone.
  func forget(_ id: Int64) { shared.withLock { $0[id] = nil } }

  private func segments(
    of id: Int64, _ schema: Schema, on connection: Connection
  ) throws(SQLiteError) -> [PlacedSegment] {
    var segments: [PlacedSegment] = []
    let statement = try connection.internalStatement(
      "SELECT id, path, first_row, rows, is_own FROM fletch_segments WHERE table_id = ?1 ORDER BY first_row")
    try statement.bind(id, to: 1)
    while try statement.step() {
      let path = path(statement.text(1))
      do throws(DataError) {
        let segment = try store.segment(
          statement.integer(0), path: path, isOwn: statement.integer(4) != 0)
        guard segment.rowCount == Int(statement.integer(3)), segment.schema.hasSameTypes(as: schema) else {
          throw DataError(.malformed, "'\(path)' is another file than the one that was published")
        }
        let placed = try PlacedSegment(
          number: statement.integer(0), firstRow: statement.integer(2), checked: segment)
        if let last = segments.last, last.rows.upperBound > placed.firstRow {
          throw DataError(.malformed, "row ids of '\(path)' are those of the segment before it")
        }
        segments.append(placed)
      } catch {
        throw SQLiteError(.corrupt, "a segment of the table is missing or damaged: \(error)")
      }
    }
    return segments
  }

  // MARK: Changing

  /// Takes everything of a table out of the catalog.
  func drop(_ id: Int64, on connection: Connection) throws(SQLiteError) {
    let removed = try segmentsOf(id, on: connection)
    connection.module?.touched += removed
    for sql in [
      "DELETE FROM fletch_segments WHERE table_id = \(id)", "DELETE FROM fletch_tables WHERE id = \(id)",
      "DROP TABLE \(Catalog.deltaName(id))", "DROP TABLE \(Catalog.tombstonesName(id))",
    ] {
      let statement = try connection.internalStatement(sql)
      _ = try statement.step()
    }
  }

  /// The segments of a table as files.
  func segmentsOf(_ id: Int64, on connection: Connection) throws(SQLiteError) -> [TouchedSegment] {
    var segments: [TouchedSegment] = []
    let statement = try connection.internalStatement(
      "SELECT id, path, is_own FROM fletch_segments WHERE table_id = ?1")
    try statement.bind(id, to: 1)
    while try statement.step() {
      let stored = statement.text(1)
      // Files that are deleted with their segments have plain names, whatever a damaged catalog says.
      let isOwn = statement.integer(2) != 0 && !stored.utf8.contains(UInt8(ascii: "/"))
      segments.append(
        TouchedSegment(table: id, id: statement.integer(0), path: path(stored), isOwn: isOwn))
    }
    return segments
  }

  /// Whether a segment is in the catalog. Its number alone may be that of another: a rollback gives numbers back.
  func has(_ segment: TouchedSegment, on connection: Connection) throws(SQLiteError) -> Bool {
    let statement = try connection.internalStatement("SELECT path FROM fletch_segments WHERE id = ?1")
    try statement.bind(segment.id, to: 1)
    return try statement.step() && path(statement.text(0)) == segment.path
  }

  func hasTable(_ id: Int64, on connection: Connection) throws(SQLiteError) -> Bool {
    let statement = try connection.internalStatement("SELECT 1 FROM fletch_tables WHERE id = ?1")
    try statement.bind(id, to: 1)
    return try statement.step()
  }
}

/// A segment that a transaction has added or taken out; whether it stays is known when the transaction has ended.
struct TouchedSegment: Sendable {
  let table: Int64
  let id: Int64
  let path: String
  let isOwn: Bool
}

extension Schema {
  /// Whether the columns have the same names and types, whatever else is said of them.
  public func hasSameTypes(as other: Schema) -> Bool {
    fields.count == other.fields.count
      && zip(fields, other.fields).allSatisfy { $0.name == $1.name && $0.type == $1.type }
  }
}
