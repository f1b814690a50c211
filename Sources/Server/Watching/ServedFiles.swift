// The tables that files on disk are: published at the start, and again when the files have changed.

import Engine
import Memory

/// What is published of some paths. Used by one thread at a time.
public final class ServedFiles {
  public let paths: [String]
  private let engine: EmbeddedEngine
  private let log: (String) -> Void
  private var published: [String: [FileFingerprint]] = [:]
  /// Files that could not be published as they are; tried again when they have changed.
  private var refused: [String: [FileFingerprint]] = [:]
  private var lastFault: String?

  /// - Parameter log: hears what happens after the start, a line each.
  public init(_ paths: [String], _ engine: EmbeddedEngine, log: @escaping (String) -> Void) {
    self.paths = paths
    self.engine = engine
    self.log = log
  }

  /// Publishes everything, or throws for what cannot be.
  public func publishAll() throws(DataError) {
    for (name, files) in try FileDiscovery.sources(paths) {
      // Taken first: a change that comes between is seen as one.
      let prints = files.compactMap(FileFingerprint.init)
      do throws(EngineError) {
        _ = try engine.publish(files: files, as: name, mode: .replace, inPlace: true)
      } catch {
        throw DataError(.invalid, error.message)
      }
      published[name] = prints
    }
  }

  /// Publishes what has changed and drops what is gone, each table in a transaction of its own.
  /// - Parameter isBeingWritten: whether a file will change again, so that its table stays as it is.
  func refresh(isBeingWritten: (String) -> Bool) {
    let sources: [(name: String, files: [String])]
    do throws(DataError) {
      sources = try FileDiscovery.sources(paths, isWatched: true)
      lastFault = nil
    } catch {
      if lastFault != error.message { log("the tables stay as they were: \(error.message)") }
      lastFault = error.message
      return
    }
    for name in published.keys.sorted() where !sources.contains(where: { $0.name == name }) { drop(name) }
    for (name, files) in sources where !files.contains(where: isBeingWritten) {
      let prints = files.compactMap(FileFingerprint.init)
      if prints.count == files.count, prints != published[name], prints != refused[name] {
        publish(name, files, prints)
      }
    }
    refused = refused.filter { name, _ in sources.contains { $0.name == name } }
  }

  private func publish(_ name: String, _ files: [String], _ prints: [FileFingerprint]) {
    do throws(EngineError) {
      if published[name] == nil, try isTaken(name) {
        throw EngineError(.alreadyExists, "a table of that name was made by a statement")
      }
      let rows = try engine.publish(files: files, as: name, mode: .replace, inPlace: true)
      published[name] = prints
      refused[name] = nil
      log("table '\(name)' has \(rows) rows now")
    } catch {
      refused[name] = prints
      // A file that is not complete yet is seen again when it is.
      log("table '\(name)' \(published[name] == nil ? "is not served" : "stays as it was"): \(error.message)")
    }
  }

  private func isTaken(_ name: String) throws(EngineError) -> Bool {
    let session = try engine.makeSession()
    defer { session.close() }
    return try session.tables(withColumns: false).contains { $0.name.lowercased() == name.lowercased() }
  }

  private func drop(_ name: String) {
    do throws(EngineError) {
      try engine.drop(name)
      published[name] = nil
      log("table '\(name)' is gone")
    } catch {
      log("table '\(name)' could not be dropped: \(error.message)")
    }
  }
}
