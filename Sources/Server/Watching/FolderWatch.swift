// Hears of files that come, change and go (inotify(7)), and has what depends on them refreshed when they are complete.

import CLinux
import Glibc
import Memory
import Synchronization

/// A thread that watches the folders of files.
///
/// A file that is written to is taken when its last writer has closed it; one that is renamed into place, at once. What happens within
/// a moment is one change.
public final class FolderWatch: Sendable {
  private let stopping: FileDescriptor
  private let thread: Mutex<pthread_t>

  /// - Parameter files: used by the watching thread alone from now on.
  /// - Throws: `.system` when the system has no more watches.
  public convenience init(_ watch: consuming InotifyWatch, _ files: ServedFiles) throws(DataError) {
    try self.init(watch, files.paths) { files.refresh(isBeingWritten: $0) }
  }

  /// - Parameters:
  ///   - paths: the folders, or the files whose folders are watched.
  ///   - refresh: called by the watching thread when something has happened there; asks which files are being written.
  public init(
    _ watch: consuming InotifyWatch, _ paths: [String], refresh: @escaping ((String) -> Bool) -> Void
  ) throws(DataError) {
    let raw = try systemCall("make an event") { eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)) }
    let stopping = FileDescriptor(raw)
    self.stopping = stopping
    let body = Body(watch, paths, refresh, stopping)
    var thread = pthread_t()
    let result = pthread_create(
      &thread, nil,
      { context in
        // SAFETY: the context was retained for this thread.
        Unmanaged<Body>.fromOpaque(context!).takeRetainedValue().run()
        return nil
      }, Unmanaged.passRetained(body).toOpaque())
    precondition(result == 0, "no thread for the watch")
    self.thread = Mutex(thread)
  }

  /// Ends the watch, and waits until no table is being published any more.
  public func stop() {
    var one: UInt64 = 1
    _ = write(stopping.rawValue, &one, 8)
    _ = thread.withLock { pthread_join($0, nil) }
  }

  private final class Body {
    private var watch: InotifyWatch
    private let paths: [String]
    private let refresh: ((String) -> Bool) -> Void
    private let stopping: FileDescriptor

    init(
      _ watch: InotifyWatch, _ paths: [String], _ refresh: @escaping ((String) -> Bool) -> Void,
      _ stopping: FileDescriptor
    ) {
      self.watch = watch
      self.paths = paths
      self.refresh = refresh
      self.stopping = stopping
    }

    func run() {
      while wait(milliseconds: -1) {
        // What comes right behind belongs together, but a folder that never rests must not be waited for.
        let start = monotonicNow()
        repeat {
          watch.readEvents()
        } while monotonicNow() - start < 1_000_000_000 && watch.hasMore(within: 50)
        watch.watchFolders(of: paths)
        refresh { [watch] in watch.isBeingWritten($0) }
      }
    }

    /// False when the watch is to end.
    private func wait(milliseconds: Int32) -> Bool {
      var entries = [
        pollfd(fd: watch.descriptor, events: Int16(POLLIN), revents: 0),
        pollfd(fd: stopping.rawValue, events: Int16(POLLIN), revents: 0),
      ]
      while poll(&entries, 2, milliseconds) < 0, errno == EINTR {}
      return entries[1].revents == 0
    }
  }
}
