// Pages of mapped files that are no longer there: a file that somebody truncates must not end the process.

import Glibc
import Synchronization

/// Mappings in which a lost page is replaced by zeroes and noted, instead of a signal that ends the process (SIGBUS, mmap(2)).
///
/// The handler only reads the table below and calls `mmap`, which is a plain system call: it takes no lock and no memory.
enum PageGuard {
  /// More mappings than that go without a guard.
  static let capacity = 65_536

  /// A mapping: its pages, and whether one of them was lost.
  struct Slot {
    var start: UInt = 0
    var end: UInt = 0
    var isDamaged = false
  }

  private struct Table: @unchecked Sendable {
    // SAFETY (@unchecked Sendable): slots are taken and given back under `lock`; the handler reads words that are whole.
    let slots: UnsafeMutablePointer<Slot>
  }

  private static let table: Table = {
    let slots = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)
    slots.initialize(repeating: Slot(), count: capacity)
    handlerSlots = slots
    var action = sigaction()
    action.__sigaction_handler.sa_sigaction = handleLostPage
    action.sa_flags = SA_SIGINFO
    sigaction(SIGBUS, &action, nil)
    return Table(slots: slots)
  }()

  private static let free = Mutex<[Int]>([])
  private static let used = Mutex(0)

  /// - Returns: the slot's number; nil when all are taken.
  static func add(start: UnsafeRawPointer, count: Int) -> Int? {
    let slots = table.slots
    let number =
      free.withLock { $0.popLast() }
      ?? used.withLock { used in
        guard used < capacity else { return nil }
        used += 1
        handlerCount = used
        return used - 1
      }
    guard let number else { return nil }
    slots[number] = Slot(start: UInt(bitPattern: start), end: UInt(bitPattern: start) + UInt(count))
    return number
  }

  static func remove(_ number: Int) {
    // The end first: the handler must never see an old end with a start of zero, which is everything below it.
    table.slots[number].end = 0
    table.slots[number] = Slot()
    free.withLock { $0.append(number) }
  }

  static func isDamaged(_ number: Int) -> Bool { table.slots[number].isDamaged }
}

// What the handler may touch: plain words, set before the first mapping that it is for.
nonisolated(unsafe) private var handlerSlots: UnsafeMutablePointer<PageGuard.Slot>?
nonisolated(unsafe) private var handlerCount = 0

private func handleLostPage(
  _ signal: Int32, _ information: UnsafeMutablePointer<siginfo_t>?, _ context: UnsafeMutableRawPointer?
) {
  let address = UInt(bitPattern: information!.pointee._sifields._sigfault.si_addr)
  if let slots = handlerSlots {
    for i in 0..<handlerCount where address >= slots[i].start && address < slots[i].end {
      let page = UnsafeMutableRawPointer(bitPattern: address & ~4095)
      if mmap(page, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED {
        slots[i].isDamaged = true
        return
      }
    }
  }
  // Nobody's page: the signal does what it always does.
  var action = sigaction()
  action.__sigaction_handler.sa_handler = SIG_DFL
  sigaction(SIGBUS, &action, nil)
}
