// Takes connections from a listening socket and spreads them over the loops.

import CLinux
import Glibc

/// A listening socket on its loop.
final class Acceptor: LoopMember {
  private let loop: EventLoop
  private var listening: ListeningSocket?
  private let accepted: (Socket) -> Void
  /// Out of descriptors: look again at the next tick, not in a busy loop.
  private var isPaused = false

  init(_ listening: ListeningSocket, _ loop: EventLoop, accepted: @escaping (Socket) -> Void) {
    self.listening = listening
    self.loop = loop
    self.accepted = accepted
  }

  func start() {
    guard let listening, !loop.isOver else { return }
    loop.register(self, listening.socket.descriptor, c_epoll_in, tickInterval: 100_000_000)
  }

  override func ready(_ events: UInt32) {
    guard let listening else { return }
    // Others on the loop have their turn after so many.
    for _ in 0..<64 {
      switch listening.accept() {
      case .socket(let socket): accepted(socket)
      case .none: return
      case .exhausted:
        isPaused = true
        return loop.change(self, listening.socket.descriptor, 0)
      }
    }
  }

  override func tick(_ now: MonotonicTime) {
    guard isPaused, let listening else { return }
    isPaused = false
    loop.change(self, listening.socket.descriptor, c_epoll_in)
  }

  override func stop() {
    guard let listening else { return }
    loop.remove(self, listening.socket.descriptor)
    listening.removePath()
    self.listening = nil
  }
}
