// SQLite's files with faults: a VFS whose writes begin to fail when a test says so.

import CSQLite
import Glibc
import Synchronization

/// The default VFS for the rest of the process; it only ever fails for files whose path holds `marker`.
enum FaultyFiles {
  static let marker = "faulty-database"

  /// Calls that are left before all fail; negative for never.
  private static let left = Atomic(-1)
  private static let code = Atomic(SQLITE_FULL)
  /// Calls that could have failed since `arm`.
  private static let calls = Atomic(0)

  /// From the `n`-th call on every write, sync and truncation fails.
  static func arm(after n: Int, with error: Int32) {
    _ = isInstalled
    calls.store(0, ordering: .relaxed)
    code.store(error, ordering: .relaxed)
    left.store(n, ordering: .sequentiallyConsistent)
  }

  /// - Returns: whether a call failed.
  static func disarm() -> Bool {
    let n = left.exchange(-1, ordering: .sequentiallyConsistent)
    return calls.load(ordering: .relaxed) > n
  }

  fileprivate static func fault() -> Int32? {
    let n = left.load(ordering: .sequentiallyConsistent)
    if n < 0 { return nil }
    return calls.wrappingAdd(1, ordering: .relaxed).oldValue >= n ? code.load(ordering: .relaxed) : nil
  }

  static let isInstalled: Bool = {
    guard let standard = sqlite3_vfs_find(nil) else { return false }
    original = standard
    let own = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    own.initialize(to: standard.pointee)
    own.pointee.zName = UnsafePointer(strdup("faulty"))
    own.pointee.pNext = nil
    own.pointee.xOpen = { _, name, file, flags, outFlags in
      let code = original!.pointee.xOpen(original, name, file, flags, outFlags)
      guard code == SQLITE_OK, let file, let methods = file.pointee.pMethods, let name,
        String(cString: name).contains(FaultyFiles.marker)
      else { return code }
      file.pointee.pMethods = wrapped(methods)
      return code
    }
    return sqlite3_vfs_register(own, 1) == SQLITE_OK
  }()
}

// SAFETY (nonisolated(unsafe)): set once, before the VFS is registered; SQLite has one table of methods for each way of locking.
nonisolated(unsafe) private var original: UnsafeMutablePointer<sqlite3_vfs>?
private let tables = Mutex<[UInt: UInt]>([:])
nonisolated(unsafe) private var standardMethods: UnsafePointer<sqlite3_io_methods>?

/// The same methods, with those that write in between.
private func wrapped(_ methods: UnsafePointer<sqlite3_io_methods>) -> UnsafePointer<sqlite3_io_methods> {
  tables.withLock { tables in
    let key = UInt(bitPattern: methods)
    if let known = tables[key] { return UnsafePointer(bitPattern: known)! }
    standardMethods = methods
    let own = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
    own.initialize(to: methods.pointee)
    own.pointee.xWrite = { file, bytes, count, place in
      FaultyFiles.fault() ?? standardMethods!.pointee.xWrite(file, bytes, count, place)
    }
    own.pointee.xSync = { file, flags in
      // A sync that fails is never a full disk.
      FaultyFiles.fault().map { _ in SQLITE_IOERR | 4 << 8 } ?? standardMethods!.pointee.xSync(file, flags)
    }
    own.pointee.xTruncate = { file, size in
      FaultyFiles.fault().map { _ in SQLITE_IOERR | 6 << 8 } ?? standardMethods!.pointee.xTruncate(file, size)
    }
    tables[key] = UInt(bitPattern: own)
    return UnsafePointer(own)
  }
}
