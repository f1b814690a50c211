// What the embedded engine can be told.

import Glibc
import Tables

/// Settings of the embedded engine, with the values that are right for most.
public struct EngineOptions: Sendable {
  /// The folder of the database; nil for a private one that goes away.
  public var databasePath: String?
  public var isReadOnly = false
  /// Statements that run at the same time, those whose rows a client is taking its time to read included.
  public var concurrency = 64
  /// Statements that wait for a place; more are refused.
  public var queueLimit = 1024
  /// How long a statement may take, in seconds; nil for as long as it likes. A call's own deadline may be nearer.
  public var statementTimeout: Double?
  /// A transaction that nobody has used for so long, in seconds, is rolled back.
  public var transactionIdleTimeout = 600.0
  /// The most memory that rows of one statement may take that have to be kept, in bytes.
  public var memoryLimit = 1 << 30
  /// Threads that a query on columns runs on.
  public var threads = max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
  /// The most rows and bytes of a batch of results.
  public var batchRows = 65_536
  public var batchBytes = 2 << 20
  /// Whether statements may ATTACH other files.
  public var allowsAttach = false
  /// How often the engine looks after itself, in seconds: idle transactions, changed tables; nil for never.
  public var maintenanceInterval: Double? = 15
  /// When a table is compacted in the background; nil for never.
  public var compaction: CompactionPolicy? = .background
  /// Told of what the engine does by itself; on a thread of its own.
  public var onMaintenance: (@Sendable (MaintenanceEvent) -> Void)?
  /// SQL that runs before anything else.
  public var initialSQL: String?
  /// Other names of tables, such as `feather_table`, as views.
  public var aliases: [(name: String, table: String)] = []

  public init() {}
}
