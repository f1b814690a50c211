// A thread that waits for sockets and never for anything else.

import CLinux
import Glibc
import Synchronization

/// Something with a descriptor that an event loop watches. All of it happens on the loop's thread.
class LoopMember {
  /// Which events came: EPOLLIN, EPOLLOUT, …
  func ready(_ events: UInt32) {}
  /// What was put off until the end of the turn: see `EventLoop.setDirty`.
  func flush() {}
  /// Called now and then, to look at time limits.
  func tick(_ now: MonotonicTime) {}
  /// The loop stops.
  func stop() {}

  fileprivate(set) final var slot = -1
  fileprivate(set) final var isDirty = false
}

/// One epoll, one thread. Work from other threads arrives through a queue and an eventfd.
public final class EventLoop: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): `queue` and the atomics are for all threads; everything else is touched by the loop's
  // own thread only, which `assertOnLoop` checks in debug builds, except before the thread starts.

  enum Job {
    case stream(HTTP2Stream)
    case run(@Sendable () -> Void)
  }

  private struct Queue {
    var jobs: [Job] = []
    /// The loop waits in epoll, or is about to: whoever adds the first job wakes it.
    var isSleeping = false
    var isOver = false
  }

  private let epoll: Int32
  private let wakeDescriptor: Int32
  private let queue = Mutex(Queue())
  private let thread = Atomic<UInt>(0)
  /// Connections on this loop, for spreading them.
  let load = Atomic<Int>(0)

  private var members: [LoopMember?] = []
  private var freeSlots: [Int] = []
  private var memberCount = 0
  private var dirty: [LoopMember] = []
  private var spareDirty: [LoopMember] = []
  private var isStopping = false
  /// The shortest time between looks at the limits that a member wants, in nanoseconds.
  private var tickInterval: Int64 = 1_000_000_000
  private var nextTick = MonotonicTime(nanoseconds: 0)
  /// The time at the beginning of this turn.
  private(set) var now = MonotonicTime.now

  /// Where connections read to when the bytes' final place is not known, and decrypt through; one of each for all.
  let readBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 64)
  let plainBuffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 64)
  let staging = UnsafeMutableRawBufferPointer.allocate(byteCount: TLSEngine.recordSize, alignment: 64)
  let vectors = UnsafeMutableBufferPointer<iovec>.allocate(capacity: 1024)  // IOV_MAX on Linux

  init(name: String) throws(HTTP2Error) {
    epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
    wakeDescriptor = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
    guard epoll >= 0, wakeDescriptor >= 0 else { throw HTTP2Error.system("make an event loop") }
    var event = epoll_event(events: c_epoll_in, data: epoll_data(u64: UInt64.max))
    epoll_ctl(epoll, EPOLL_CTL_ADD, wakeDescriptor, &event)
    try start(name)
  }

  deinit {
    close(epoll)
    close(wakeDescriptor)
    readBuffer.deallocate()
    plainBuffer.deallocate()
    staging.deallocate()
    vectors.deallocate()
  }

  private func start(_ name: String) throws(HTTP2Error) {
    // The thread owns the loop until it ends.
    let me = Unmanaged.passRetained(self).toOpaque()
    var handle = pthread_t()
    // The thread inherits a full mask: signals are for the program's own threads, however late those block them.
    var all = sigset_t()
    var before = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    let result = pthread_create(
      &handle, nil,
      { argument in
        let loop = Unmanaged<EventLoop>.fromOpaque(argument!).takeRetainedValue()
        loop.run()
        return nil
      }, me)
    guard result == 0 else {
      Unmanaged<EventLoop>.fromOpaque(me).release()
      throw HTTP2Error.system("start an event loop's thread", result)
    }
    pthread_setname_np(handle, name)
    pthread_detach(handle)
  }

  // MARK: From any thread

  /// Whether the caller is the loop's thread.
  public var isCurrent: Bool { thread.load(ordering: .relaxed) == UInt(pthread_self()) }

  func assertOnLoop() { assert(isCurrent, "not on the loop's thread") }

  /// Runs a closure on the loop's thread, soon; it must not block.
  ///
  /// When the loop is over it runs at once, on the caller's thread: nothing is left on the loop then, so all that it can
  /// find is that its connection is closed, and somebody may be waiting to hear so.
  func run(_ body: @escaping @Sendable () -> Void) { add(.run(body)) }

  func add(_ job: Job) {
    let (isOver, mustWake) = queue.withLock { queue in
      if queue.isOver { return (true, false) }
      queue.jobs.append(job)
      defer { queue.isSleeping = false }
      return (false, queue.isSleeping)
    }
    if isOver { perform(job) } else if mustWake { wake() }
  }

  private func perform(_ job: Job) {
    switch job {
    case .stream(let stream): stream.flushScheduled()
    case .run(let body): body()
    }
  }

  /// Whether the thread has ended, or is about to: nothing may be registered.
  var isOver: Bool { queue.withLock { $0.isOver } }

  private func wake() {
    var one: UInt64 = 1
    _ = write(wakeDescriptor, &one, 8)
  }

  /// Ends the loop and with it its connections; returns at once.
  func stop() {
    run { [self] in isStopping = true }
  }

  // MARK: On the loop

  func register(_ member: LoopMember, _ descriptor: Int32, _ events: UInt32, tickInterval wanted: Int64) {
    assertOnLoop()
    let slot = freeSlots.popLast() ?? members.count
    if slot == members.count { members.append(member) } else { members[slot] = member }
    member.slot = slot
    memberCount += 1
    if wanted < tickInterval {
      tickInterval = wanted
      nextTick = MonotonicTime(nanoseconds: 0)
    }
    control(EPOLL_CTL_ADD, descriptor, events, slot)
  }

  func change(_ member: LoopMember, _ descriptor: Int32, _ events: UInt32) {
    control(EPOLL_CTL_MOD, descriptor, events, member.slot)
  }

  /// Must come before the descriptor is closed.
  func remove(_ member: LoopMember, _ descriptor: Int32) {
    guard member.slot >= 0 else { return }
    assertOnLoop()
    control(EPOLL_CTL_DEL, descriptor, 0, member.slot)
    members[member.slot] = nil
    // Reused only in the next turn: this turn may still hold an event for the old member.
    retiredSlots.append(member.slot)
    member.slot = -1
    memberCount -= 1
  }

  private var retiredSlots: [Int] = []

  private func control(_ operation: Int32, _ descriptor: Int32, _ events: UInt32, _ slot: Int) {
    var event = epoll_event(events: events, data: epoll_data(u64: UInt64(slot)))
    epoll_ctl(epoll, operation, descriptor, &event)
  }

  /// Calls the member's `flush` before the loop sleeps again.
  func setDirty(_ member: LoopMember) {
    guard !member.isDirty else { return }
    member.isDirty = true
    dirty.append(member)
  }

  private func run() {
    thread.store(UInt(pthread_self()), ordering: .relaxed)
    let capacity = 256
    let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: capacity)
    defer { events.deallocate() }
    var jobs: [Job] = []
    while !(isStopping && memberCount == 0) {
      let n = epoll_wait(epoll, events, Int32(capacity), timeout())
      now = MonotonicTime.now
      for i in 0..<max(0, Int(n)) {
        let slot = events[i].data.u64
        if slot == UInt64.max {
          var count: UInt64 = 0
          _ = read(wakeDescriptor, &count, 8)
        } else {
          members[Int(slot)]?.ready(events[i].events)
        }
      }
      queue.withLock { queue in
        queue.isSleeping = false
        swap(&queue.jobs, &jobs)
      }
      for job in jobs { perform(job) }
      jobs.removeAll(keepingCapacity: jobs.capacity <= 4096)
      if now >= nextTick { tick() }
      flushDirty()
      freeSlots.append(contentsOf: retiredSlots)
      retiredSlots.removeAll(keepingCapacity: true)
      if isStopping { for member in members { member?.stop() } }
    }
    let left = queue.withLock { queue in
      queue.isOver = true
      return queue.jobs
    }
    for job in left { perform(job) }
  }

  /// Milliseconds to sleep: none while there is work, for ever when nobody has a time limit to watch.
  private func timeout() -> Int32 {
    if !dirty.isEmpty || isStopping { return 0 }
    let mayStay = queue.withLock { queue in
      queue.isSleeping = queue.jobs.isEmpty
      return queue.isSleeping
    }
    if !mayStay { return 0 }
    if memberCount == 0 { return -1 }
    let left = (nextTick.nanoseconds - now.nanoseconds) / 1_000_000
    return Int32(clamping: max(1, left + 1))
  }

  private func tick() {
    for member in members { member?.tick(now) }
    nextTick = MonotonicTime(nanoseconds: now.nanoseconds + tickInterval)
    if memberCount == 0 { tickInterval = 1_000_000_000 }
  }

  private func flushDirty() {
    swap(&dirty, &spareDirty)
    for member in spareDirty {
      member.isDirty = false
      member.flush()
    }
    spareDirty.removeAll(keepingCapacity: spareDirty.capacity <= 1024)
  }
}

/// The loops that servers and clients share. They end when the last of those, and of their connections, is gone.
public final class EventLoopGroup: Sendable {
  public let loops: [EventLoop]
  private let next = Atomic<UInt>(0)

  /// - Parameter count: threads; nil is one a core.
  public init(count: Int? = nil, name: String = "http2") throws(HTTP2Error) {
    let count = max(1, count ?? sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    var loops: [EventLoop] = []
    for i in 0..<count { loops.append(try EventLoop(name: "\(name)-\(i)")) }
    self.loops = loops
  }

  deinit { stop() }

  /// Ends all loops and their connections, without a drain.
  public func stop() { for loop in loops { loop.stop() } }

  /// The loop with the fewest connections; among equals they take turns.
  func pick() -> EventLoop {
    let first = Int(next.wrappingAdd(1, ordering: .relaxed).oldValue % UInt(loops.count))
    var best = loops[first]
    for offset in 1..<max(2, loops.count) {
      let loop = loops[(first + offset) % loops.count]
      if loop.load.load(ordering: .relaxed) < best.load.load(ordering: .relaxed) { best = loop }
    }
    best.load.wrappingAdd(1, ordering: .relaxed)
    return best
  }
}
