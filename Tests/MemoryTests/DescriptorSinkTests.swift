// Bytes through a descriptor: all of them and in order, whatever the system takes at a time.

import Dispatch
import Glibc
import Memory
import Samples
import Testing

/// F_SETPIPE_SZ, which Glibc keeps for itself.
private let setPipeSize: Int32 = 1031

/// Both ends of a pipe that holds as little as a pipe can.
private func smallPipe() -> (read: Int32, write: FileDescriptor) {
  var ends: [Int32] = [0, 0]
  precondition(pipe(&ends) == 0)
  _ = fcntl(ends[1], setPipeSize, 4096)
  return (ends[0], FileDescriptor(ends[1]))
}

/// Reads `count` bytes in small pieces on another thread; `before` runs in front of each.
private final class SlowReader: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): `bytes` is read only after the semaphore was signalled.
  private var bytes: [UInt8] = []
  private let done = DispatchSemaphore(value: 0)

  init(_ descriptor: Int32, count: Int, piece: Int, before: @escaping @Sendable () -> Void = {}) {
    DispatchQueue.global().async { [self] in
      var chunk = [UInt8](repeating: 0, count: piece)
      while bytes.count < count {
        before()
        let taken = read(descriptor, &chunk, min(piece, count - bytes.count))
        if taken <= 0 { break }
        bytes.append(contentsOf: chunk[..<taken])
      }
      close(descriptor)
      done.signal()
    }
  }

  func finish() -> [UInt8] {
    done.wait()
    return bytes
  }
}

@Suite struct DescriptorSinkTests {
  private func pieces(_ count: Int, upTo size: Int, seed: UInt64) -> [Buffer] {
    var random = RandomSource(seed: seed)
    return (0..<count).map { _ in
      let byte = UInt8(truncatingIfNeeded: random.next())
      return Buffer(copying: (0..<random.below(size)).map { byte &+ UInt8(truncatingIfNeeded: $0) })
    }
  }

  @Test func thousandsOfPiecesArriveInOrder() throws {
    let pieces = pieces(5000, upTo: 40, seed: 1)
    let expected = pieces.flatMap(\.array)
    let (input, output) = smallPipe()
    let reader = SlowReader(input, count: expected.count, piece: 3000)
    let sink = DescriptorSink(output, name: "pipe")
    try sink.write(pieces)
    #expect(sink.position == expected.count)
    try sink.flush()
    #expect(reader.finish() == expected)
  }

  @Test func writesThatTheSystemCutsShortAreGoneOnWith() throws {
    // A signal makes a blocked writev return with what it has written so far, or EINTR: so the reader sends many.
    var action = sigaction()
    action.__sigaction_handler.sa_handler = { _ in }
    sigaction(SIGUSR1, &action, nil)
    let writer = pthread_self()
    let pieces = pieces(3000, upTo: 100, seed: 2)
    let expected = pieces.flatMap(\.array)
    let (input, output) = smallPipe()
    let reader = SlowReader(input, count: expected.count, piece: 1777) {
      pthread_kill(writer, SIGUSR1)
      usleep(100)
    }
    let sink = DescriptorSink(output, name: "pipe")
    for start in stride(from: 0, to: pieces.count, by: 700) {
      try sink.write(Array(pieces[start..<min(start + 700, pieces.count)]))
      try sink.flush()
    }
    #expect(reader.finish() == expected)
  }

  @Test func smallWritesWaitForOneAnotherAndLargeOnesDoNot() throws {
    let folder = TemporaryFolder()
    let raw = open(folder.path + "/out", O_WRONLY | O_CREAT, 0o644)
    let sink = DescriptorSink(FileDescriptor(raw), name: "out")
    try sink.write([Buffer(copying: [1, 2, 3] as [UInt8]), .empty])
    #expect(folder.read("out") == [])
    try sink.write([Buffer(copying: [UInt8](repeating: 4, count: 2 << 20))])
    #expect(folder.read("out")?.count == 3 + 2 << 20)
    #expect(sink.position == 3 + 2 << 20)
  }

  @Test func aFullDeviceIsAnErrorWithItsName() throws {
    let raw = open("/dev/full", O_WRONLY)
    let sink = DescriptorSink(FileDescriptor(raw), name: "the full one")
    try sink.write([Buffer(copying: [1] as [UInt8])])
    let error = #expect(throws: DataError.self) { try sink.flush() }
    #expect(error?.code == .system(ENOSPC))
    #expect(error?.message.contains("the full one") == true)
  }

  @Test func memoryTakesTheSameBytes() throws {
    let pieces = pieces(300, upTo: 500, seed: 3)
    let sink = MemorySink()
    for piece in pieces { try sink.write([piece, .empty]) }
    let expected = pieces.flatMap(\.array)
    #expect(sink.position == expected.count)
    #expect(sink.finish().array == expected)
    #expect(sink.finish().count == 0)
  }
}

@Suite struct SystemCallTests {
  @Test func interruptedCallsAreTriedAgain() throws {
    var calls = 0
    let result: Int32 = try systemCall("count") {
      calls += 1
      errno = EINTR
      return calls < 4 ? -1 : 7
    }
    #expect(result == 7 && calls == 4)
  }

  @Test(arguments: [ENOENT, EACCES, EIO])
  func refusalsSayWhatWasTriedAndWhatTheSystemSaid(code: Int32) {
    let error = #expect(throws: DataError.self) {
      try systemCall("open the box") {
        errno = code
        return Int(-1)
      }
    }
    #expect(error?.code == .system(code))
    #expect(error?.message == "cannot open the box: \(String(cString: strerror(code)))")
  }

  @Test func aDescriptorIsClosedWithItsLastOwnerUnlessItBelongsToOthers() {
    var ends: [Int32] = [0, 0]
    #expect(pipe(&ends) == 0)
    do { _ = FileDescriptor(ends[0], closes: false) }
    #expect(fcntl(ends[0], F_GETFD) != -1)
    do { _ = FileDescriptor(ends[1]) }
    // The reader sees the end only when no writer is left.
    var byte: UInt8 = 0
    #expect(read(ends[0], &byte, 1) == 0)
    close(ends[0])
  }

  @Test func errorsKeepTheirPlaceInLargerInputs() {
    let error = DataError(.malformed, "bad", offset: 5).placed(at: 100).within("column 'a'")
    #expect(error.description == "column 'a': bad (at byte 105)")
    #expect(DataError(.limit, "much").placed(at: 7).offset == 7)
  }
}
