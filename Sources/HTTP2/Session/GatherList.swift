// What a session wants written, in order: small control bytes copied, bodies by reference.

import Glibc
import Memory

/// A queue of bytes for `sendmsg`: frame headers and control frames in one small arena, bodies as buffer slices.
///
///     pieces   ┌ arena 9 ┬ buffer 262144 ┬ arena 9 ┬ buffer 1000 ┬ arena 24 ┐
///              ▲ head, of which `headOffset` bytes are already written
///
/// A body's owner is released when its last byte has been taken.
public final class GatherList {
  private struct Piece {
    /// nil: the bytes are in the arena.
    var owner: MemoryOwner?
    /// The address, or for arena pieces the position in all arena bytes ever.
    var base: UInt
    var count: Int
    var isArena: Bool
  }

  @exclusivity(unchecked) private var pieces: [Piece] = []
  private var head = 0
  private var headOffset = 0
  private var arena = UnsafeMutableRawPointer.allocate(byteCount: GatherList.smallArena, alignment: 16)
  private var arenaCapacity = GatherList.smallArena
  private var arenaCount = 0
  /// The position of `arena[0]` in all arena bytes ever.
  private var arenaStart: UInt = 0
  /// Bytes not yet taken.
  public private(set) var count = 0

  /// Enough for the control frames and frame headers of a quiet connection.
  private static let smallArena = 512

  public init() {}

  deinit { arena.deallocate() }

  public var isEmpty: Bool { count == 0 }

  /// Copies a few bytes; they join the piece before when that is in the arena too.
  func appendSmall(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count > 0 else { return }
    if bytes.count > arenaCapacity - arenaCount { growArena(by: bytes.count) }
    let position = arenaStart + UInt(arenaCount)
    (arena + arenaCount).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
    arenaCount += bytes.count
    count += bytes.count
    if let last = pieces.indices.last, last >= head, pieces[last].isArena {
      pieces[last].count += bytes.count
    } else {
      pieces.append(Piece(owner: nil, base: position, count: bytes.count, isArena: true))
    }
  }

  /// Takes a slice by reference.
  func append(_ buffer: Buffer) {
    guard buffer.count > 0 else { return }
    count += buffer.count
    pieces.append(
      Piece(owner: buffer.owner, base: UInt(bitPattern: buffer.base), count: buffer.count, isArena: false))
  }

  /// Calls `body` with up to `limit` vectors of the bytes at the front; they are valid during the call.
  public func withVectors<R>(
    limit: Int, into vectors: UnsafeMutableBufferPointer<iovec>,
    _ body: (UnsafeMutableBufferPointer<iovec>) -> R
  ) -> R {
    var n = 0
    var bytes = 0
    var index = head
    var skip = headOffset
    while index < pieces.count, n < vectors.count, bytes < limit {
      let length = min(pieces[index].count - skip, limit - bytes)
      vectors[n] = iovec(iov_base: address(of: pieces[index]) + skip, iov_len: length)
      n += 1
      bytes += length
      index += 1
      skip = 0
    }
    return body(UnsafeMutableBufferPointer(rebasing: vectors[..<n]))
  }

  private func address(of piece: Piece) -> UnsafeMutableRawPointer {
    // SAFETY: an arena piece lies within `arena`, which only drops bytes that are taken (`compact`); a buffer piece is
    // kept alive by its owner. Both are only read.
    piece.isArena ? arena + Int(piece.base - arenaStart) : UnsafeMutableRawPointer(bitPattern: piece.base)!
  }

  /// Forgets the first `n` bytes.
  public func take(_ n: Int) {
    precondition(n >= 0 && n <= count, "more taken than there was")
    count -= n
    var left = n + headOffset
    while head < pieces.count, left >= pieces[head].count {
      left -= pieces[head].count
      pieces[head].owner = nil
      head += 1
    }
    headOffset = left
    if count == 0 {
      removeAll()
    } else if head > 256 {
      compact()
    }
  }

  /// Forgets everything.
  public func removeAll() {
    pieces.removeAll(keepingCapacity: pieces.capacity <= 64)
    arenaCount = 0
    if arenaCapacity > 16 * GatherList.smallArena { replaceArena(capacity: GatherList.smallArena) }
    head = 0
    headOffset = 0
    arenaStart = 0
    count = 0
  }

  private func compact() {
    pieces.removeFirst(head)
    head = 0
    let end = arenaStart + UInt(arenaCount)
    let kept = pieces.first { $0.isArena }?.base ?? end
    arenaCount = Int(end - kept)
    memmove(arena, arena + Int(kept - arenaStart), arenaCount)
    arenaStart = kept
  }

  private func growArena(by additional: Int) {
    replaceArena(capacity: max(2 * arenaCapacity, arenaCount + additional))
  }

  private func replaceArena(capacity: Int) {
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
    larger.copyMemory(from: arena, byteCount: arenaCount)
    arena.deallocate()
    arena = larger
    arenaCapacity = capacity
  }

  /// Copies the first bytes, at most as many as fit, and takes them; for TLS records and tests.
  public func copyFront(into destination: UnsafeMutableRawBufferPointer) -> Int {
    var filled = 0
    while filled < destination.count, let (bytes, _) = front() {
      let n = min(bytes.count, destination.count - filled)
      destination.baseAddress!.advanced(by: filled).copyMemory(from: bytes.baseAddress!, byteCount: n)
      take(n)
      filled += n
    }
    return filled
  }

  /// The rest of the first piece, and whether it is a body; valid until the list is next changed.
  func front() -> (UnsafeRawBufferPointer, isBody: Bool)? {
    guard count > 0 else { return nil }
    let piece = pieces[head]
    return (
      UnsafeRawBufferPointer(start: address(of: piece) + headOffset, count: piece.count - headOffset),
      !piece.isArena
    )
  }
}

extension GatherList {
  /// Where the bodies lie, for tests that nothing was copied.
  package var bodyPieces: [UnsafeRawPointer] {
    pieces[head...].filter { !$0.isArena }.map { UnsafeRawPointer(bitPattern: $0.base)! }
  }
}
