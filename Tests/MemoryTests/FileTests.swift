// Files as memory, and files that appear complete or not at all.

import Glibc
import Memory
import Testing

@Suite struct MappedFileTests {
  let folder = TemporaryFolder()

  @Test func theContentsAreTheFilesBytes() throws {
    let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let file = try MappedFile(path: folder.write("a", bytes))
    #expect(file.contents.array == bytes)
  }

  @Test func anEmptyFileIsNoBytes() throws {
    let file = try MappedFile(path: folder.write("empty", []))
    #expect(file.contents.count == 0)
  }

  @Test func aMissingFileIsAnErrorWithItsPath() {
    let error = #expect(throws: DataError.self) { try MappedFile(path: folder.path + "/missing") }
    #expect(error?.code == .system(ENOENT))
    #expect(error?.message.contains(folder.path + "/missing") == true)
  }

  @Test func aFolderIsNoFile() {
    let error = #expect(throws: DataError.self) { try MappedFile(path: folder.path) }
    #expect(error?.code == .invalid)
  }

  @Test func aSliceOutlivesTheNameAndTheFileObject() throws {
    let path = folder.write("a", [UInt8](repeating: 5, count: 9000))
    let slice = try MappedFile(path: path).contents.slice(8990..<9000)
    unlink(path)
    #expect(folder.names.isEmpty)
    #expect(slice.array == [UInt8](repeating: 5, count: 10))
  }
}

@Suite struct AtomicFileTests {
  @Test func aLargeFileThatIsGivenUpIsClosedSoon() throws {
    let folder = self.folder.path
    func links() -> Int {
      guard let directory = opendir("/proc/self/fd") else { return -1 }
      defer { closedir(directory) }
      var count = 0
      while let entry = readdir(directory) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) {
          String(cString: $0.baseAddress!.assumingMemoryBound(to: CChar.self))
        }
        var target = [CChar](repeating: 0, count: 4096)
        if readlink("/proc/self/fd/\(name)", &target, 4095) > 0,
          String(decoding: target.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).hasPrefix(
            folder)
        {
          count += 1
        }
      }
      return count
    }
    do {
      let file = try AtomicFile(path: "\(folder)/large")
      let block = Buffer(copying: [UInt8](repeating: 1, count: 1 << 20))
      for _ in 0..<80 { try file.sink.write([block]) }
      try file.sink.flush()
      #expect(links() == 1)
    }
    for _ in 0..<1000 where links() > 0 { usleep(5000) }
    #expect(links() == 0)
    #expect(access("\(folder)/large", F_OK) != 0)
  }

  let folder = TemporaryFolder()
  private var path: String { folder.path + "/file" }

  private func content(_ text: String) -> [Buffer] { [Buffer(copying: Array(text.utf8))] }

  @Test(arguments: [true, false])
  func aFileAppearsOnlyWhenItIsCommitted(durable: Bool) throws {
    let file = try AtomicFile(path: path)
    try file.sink.write(content("hello "))
    try file.sink.flush()
    #expect(folder.read("file") == nil)
    try file.sink.write(content("world"))
    try file.commit(durable: durable)
    #expect(folder.names == ["file"])
    #expect(folder.read("file") == Array("hello world".utf8))
  }

  @Test func withoutCommitTheOldFileStaysAndNothingElse() throws {
    folder.write("file", [1, 2, 3])
    do {
      let file = try AtomicFile(path: path)
      try file.sink.write(content("half a fil"))
      try file.sink.flush()
      #expect(folder.names == ["file"])
    }
    #expect(folder.names == ["file"])
    #expect(folder.read("file") == [1, 2, 3])
  }

  @Test func whoHasTheOldFileOpenGoesOnReadingIt() throws {
    folder.write("file", [1, 2, 3])
    let old = try MappedFile(path: path)
    let file = try AtomicFile(path: path)
    try file.sink.write(content("new"))
    try file.commit()
    #expect(old.contents.array == [1, 2, 3])
    #expect(try MappedFile(path: path).contents.array == Array("new".utf8))
  }

  @Test func aLinksTargetIsReplacedAndTheLinkStays() throws {
    folder.write("target", [1])
    symlink("target", folder.path + "/link")
    let file = try AtomicFile(path: folder.path + "/link")
    try file.sink.write(content("new"))
    try file.commit()
    #expect(folder.names == ["link", "target"])
    #expect(folder.read("target") == Array("new".utf8))
    var status = stat()
    #expect(lstat(folder.path + "/link", &status) == 0 && status.st_mode & S_IFMT == S_IFLNK)
  }

  @Test func whatIsNoRegularFileIsNotReplaced() {
    for path in ["/dev/null", folder.path] {
      let error = #expect(throws: DataError.self) { try AtomicFile(path: path) }
      #expect(error?.code == .invalid)
    }
  }

  @Test func aMissingFolderIsAnErrorWithThePath() {
    let error = #expect(throws: DataError.self) { try AtomicFile(path: folder.path + "/none/file") }
    #expect(error?.code == .system(ENOENT))
    #expect(error?.message.contains("/none/file") == true)
  }

  // The umask and the size limit belong to the whole process: these tests have one of their own.

  @Test func aReplacedFileKeepsItsPermissionsWhateverTheUmask() async {
    await #expect(processExitsWith: .success) {
      let folder = TemporaryFolder()
      umask(0o077)
      for mode: mode_t in [0o644, 0o600, 0o666, 0o755, 0o440] {
        let path = folder.write("file", [1])
        chmod(path, mode)
        let file = try AtomicFile(path: path)
        try file.sink.write([Buffer(copying: [2] as [UInt8])])
        try file.commit()
        #expect(folder.permissions("file") == mode)
        #expect(folder.read("file") == [2])
      }
      let new = try AtomicFile(path: folder.path + "/new")
      try new.commit()
      #expect(folder.permissions("new") == 0o600)
    }
  }

  @Test func aFullDiskIsAClearErrorAndLeavesNothingBehind() async {
    await #expect(processExitsWith: .success) {
      let folder = TemporaryFolder()
      let path = folder.write("file", [1, 2, 3])
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 100_000, rlim_max: ~0)
      #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      do {
        let file = try AtomicFile(path: path)
        let error = #expect(throws: DataError.self) {
          for _ in 0..<300 { try file.sink.write([Buffer(copying: [UInt8](repeating: 1, count: 1000))]) }
          try file.commit()
        }
        #expect(error?.code == .system(EFBIG))
        #expect(error?.message.contains(path) == true)
      }
      #expect(folder.names == ["file"])
      #expect(folder.read("file") == [1, 2, 3])
    }
  }

  @Test func aFileThatCouldNotBeWrittenWholeIsNeverCommitted() async {
    await #expect(processExitsWith: .success) {
      let folder = TemporaryFolder()
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit(rlim_cur: 1000, rlim_max: ~0)
      #expect(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
      do {
        let file = try AtomicFile(path: folder.path + "/file")
        try file.sink.write([Buffer(copying: [UInt8](repeating: 1, count: 5000))])
        #expect(throws: DataError.self) { try file.sink.flush() }
        // The caller missed the error: what is there now is half of the file.
        #expect(throws: DataError.self) { try file.commit() }
      }
      #expect(folder.names.isEmpty)
    }
  }
}
