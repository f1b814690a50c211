// SQLite's write-ahead log, begun anew when it has become long.

import CLinux
import Glibc
import SQLite
import Tables

extension EmbeddedEngine {
  /// SQLite copies what is committed into the database every thousand pages, but begins at the log's start again only in a moment when
  /// nobody reads from it. Where readers overlap without end there is none: 64 clients made 5 MB a minute.
  static let longLog = 32 << 20

  /// Begins the log anew if it is longer than that, while nobody writes and once those have ended who read from it now.
  /// - Parameter patience: milliseconds to wait for them; writers wait, too. Where it was not enough, it is tried again when the log has
  ///   grown as much again, or nobody is there.
  func shortenLog(beyond limit: Int, patience: Int = 1000) {
    let length = logLength
    guard !options.isReadOnly, length > limit,
      length > triedLogLength.load(ordering: .relaxed) + limit || pool.inUse == 0,
      let connection = try? pool.takeIfFree()
    else { return }
    defer { pool.giveBack(connection) }
    guard (try? writers.enter(StatementControl(timeout: 10))) != nil else { return }
    defer { writers.leave() }
    let session = connection.connection
    session.setBusyTimeout(milliseconds: patience)
    defer { session.setBusyTimeout(milliseconds: TableSession.busyTimeout) }
    _ = try? session.unauthorized { () throws(SQLiteError) in
      try session.execute("PRAGMA main.wal_checkpoint(TRUNCATE)")
    }
    let left = logLength
    triedLogLength.store(left > limit ? left : 0, ordering: .relaxed)
  }

  private var logLength: Int {
    var status = stat()
    return stat(database.filePath + "-wal", &status) == 0 ? Int(status.st_size) : 0
  }
}
