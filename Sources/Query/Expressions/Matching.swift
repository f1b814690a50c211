// LIKE and GLOB, as SQLite matches them.

import Glibc
import Kernels
import Memory

/// A constant pattern. Matches bytes up to the first NUL, as SQLite does.
struct Pattern: Sendable {
  enum Shape: Sendable {
    case any
    /// All of it, the beginning, the end, anywhere: when there are no other wildcards.
    case exact, prefix, suffix, contains
    /// Several pieces, one behind the other, with anything between them, before the first and behind the last.
    case pieces
    case general
  }

  let isGlob: Bool
  let escape: UInt32?
  private enum Token: Sendable {
    case many, one, never
    case character(UInt32)
    case set(Int)
  }
  private let characters: [UInt32]
  private var tokens: [Token] = []
  private let shape: Shape
  /// The bytes of the simple shapes; in lower case for LIKE.
  private let literal: [UInt8]
  private var pieces: [ByteSearch] = []

  init(_ pattern: [UInt8], isGlob: Bool, escape: UInt32?) {
    self.isGlob = isGlob
    self.escape = escape
    let pattern = Array(pattern.prefix { $0 != 0 })
    characters = Pattern.decode(pattern)
    let wild: UInt8 = isGlob ? UInt8(ascii: "*") : UInt8(ascii: "%")
    var middle = pattern[...]
    let opens = middle.first == wild
    while middle.first == wild { middle = middle.dropFirst() }
    let closes = middle.last == wild
    while middle.last == wild { middle = middle.dropLast() }
    let specials: [UInt8] =
      isGlob ? [wild, UInt8(ascii: "?"), UInt8(ascii: "[")] : [wild, UInt8(ascii: "_")]
    // Bytes that are no UTF-8 are compared as the characters that SQLite makes of them.
    let isSimple =
      escape == nil && !middle.contains { specials.contains($0) }
      && String(validating: middle, as: UTF8.self) != nil
    literal = middle.map { isGlob ? $0 : lowered($0) }
    let parts = middle.split(separator: wild)
    // What stands between wildcards has to be found from the left, wherever it comes first.
    let isPieces =
      opens && closes && escape == nil && parts.count > 1 && !pattern.contains(0x5F) && !isGlob
      && String(validating: middle, as: UTF8.self) != nil
    if isPieces { pieces = parts.map { ByteSearch($0.map(lowered)) } }
    if isPieces {
      shape = .pieces
    } else if !isSimple {
      shape = .general
    } else if middle.isEmpty {
      shape = opens ? .any : .exact
    } else {
      shape = opens ? (closes ? .contains : .suffix) : (closes ? .prefix : .exact)
      if shape == .contains, !isGlob { pieces = [ByteSearch(literal)] }
    }
    parse(characters)
  }

  func matches(_ value: UnsafeRawBufferPointer) -> Bool {
    var value = value
    switch shape {
    case .any: return true
    case .general: return matchesGenerally(value)
    case .pieces,
      .contains where !pieces.isEmpty:
      return matchesPieces(value)
    default: break
    }
    // Only these are ended early by a NUL; looking for it in advance is cheap in short values.
    if shape == .suffix || shape == .exact || shape == .contains, let end = firstZero(value) {
      value = UnsafeRawBufferPointer(rebasing: value[..<end])
    }
    let n = literal.count
    guard value.count >= n else { return false }
    return literal.withUnsafeBufferPointer { literal in
      switch shape {
      case .exact: return value.count == n && equal(value.baseAddress, literal)
      case .prefix: return equal(value.baseAddress, literal)
      case .suffix: return equal(value.baseAddress.map { $0 + (value.count - n) }, literal)
      default:
        guard let base = value.baseAddress else { return n == 0 }
        let first = literal[0]
        for start in 0...(value.count - n) {
          let byte = base.load(fromByteOffset: start, as: UInt8.self)
          if (isGlob ? byte : lowered(byte)) == first, equal(base + start, literal) { return true }
        }
        return false
      }
    }
  }

  private func matchesPieces(_ value: UnsafeRawBufferPointer) -> Bool {
    guard let base = value.baseAddress, let found = pieces[0].find(base, 0, value.count) else { return false }
    return matchesPieces(value, from: found)
  }

  /// Whether the pieces are there, the first of them at a place where it comes first.
  private func matchesPieces(_ value: UnsafeRawBufferPointer, from first: Int) -> Bool {
    let base = value.baseAddress!
    var place = first + pieces[0].count
    for piece in pieces.dropFirst() {
      guard let found = piece.find(base, place, value.count) else { return false }
      place = found + piece.count
    }
    // A NUL would have ended the text before that.
    return firstZero(UnsafeRawBufferPointer(rebasing: value[..<place])) == nil
  }

  /// Whether `search` knows the pattern.
  var isSearched: Bool { !pieces.isEmpty }

  /// The truth, 2 or 0, of `n` texts that lie one behind the other: they are searched as one.
  func search(
    _ texts: UnsafePointer<UnsafeRawBufferPointer>, _ n: Int, _ truth: UnsafeMutablePointer<UInt8>
  ) {
    truth.update(repeating: 0, count: n)
    guard let base = texts[0].baseAddress else { return }
    let end = texts[n - 1].baseAddress! + texts[n - 1].count - base
    var (row, rowEnd, place) = (0, texts[0].count, 0)
    while let found = pieces[0].find(base, place, end) {
      while rowEnd <= found {
        row &+= 1
        rowEnd &+= texts[row].count
      }
      if found &+ pieces[0].count > rowEnd {
        // It is of two texts.
        place = found &+ 1
        continue
      }
      let text = texts[row]
      truth[row] = matchesPieces(text, from: found &- (rowEnd &- text.count)) ? 2 : 0
      place = rowEnd
    }
  }

  private func firstZero(_ value: UnsafeRawBufferPointer) -> Int? {
    guard let base = value.baseAddress, let zero = memchr(base, 0, value.count) else { return nil }
    return UnsafeRawPointer(zero) - base
  }

  @inline(__always)
  private func equal(_ bytes: UnsafeRawPointer?, _ literal: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let bytes else { return literal.isEmpty }
    if isGlob {
      for i in 0..<literal.count where bytes.load(fromByteOffset: i, as: UInt8.self) != literal[i] {
        return false
      }
    } else {
      for i in 0..<literal.count where lowered(bytes.load(fromByteOffset: i, as: UInt8.self)) != literal[i] {
        return false
      }
    }
    return true
  }

  // MARK: The general case

  private static func decode(_ bytes: [UInt8]) -> [UInt32] {
    // SQLite reads U+FFFE and U+FFFF as U+FFFD.
    String(decoding: bytes, as: UTF8.self).unicodeScalars.map { $0.value & ~1 == 0xFFFE ? 0xFFFD : $0.value }
  }

  private func matchesGenerally(_ value: UnsafeRawBufferPointer) -> Bool {
    let end = firstZero(value) ?? value.count
    let text = Pattern.decode(Array(value[..<end]))
    return match(text)
  }

  private func fold(_ character: UInt32) -> UInt32 {
    !isGlob && character < 0x80 ? UInt32(lowered(UInt8(character))) : character
  }

  /// Only the last `%` needs to be tried again: what the ones before it took is as good as anything else that they could.
  private func match(_ text: [UInt32]) -> Bool {
    var (p, t) = (0, 0)
    var last: (p: Int, t: Int)?
    while t < text.count {
      if p < tokens.count {
        if case .many = tokens[p] {
          last = (p, t)
          p += 1
          continue
        }
        if matches(tokens[p], text[t]) {
          p += 1
          t += 1
          continue
        }
      }
      guard let star = last else { return false }
      last = (star.p, star.t + 1)
      p = star.p + 1
      t = star.t + 1
    }
    return tokens[p...].allSatisfy { if case .many = $0 { true } else { false } }
  }

  private func matches(_ token: Token, _ character: UInt32) -> Bool {
    switch token {
    case .many, .never: false
    case .one: true
    case .character(let wanted): wanted == fold(character)
    case .set(let start): walkSet(start, character).isMember
    }
  }

  private mutating func parse(_ characters: [UInt32]) {
    let many: UInt32 = isGlob ? 0x2A : 0x25
    let one: UInt32 = isGlob ? 0x3F : 0x5F
    var p = 0
    while p < characters.count {
      let character = characters[p]
      p += 1
      if let escape, character == escape {
        // An escape character wins over what it would mean otherwise.
        tokens.append(p < characters.count ? .character(fold(characters[p])) : .never)
        p += 1
      } else if character == many {
        tokens.append(.many)
      } else if character == one {
        tokens.append(.one)
      } else if isGlob, character == 0x5B {
        if let end = walkSet(p, 0).end {
          tokens.append(.set(p))
          p = end
        } else {
          tokens.append(.never)
          return
        }
      } else {
        tokens.append(.character(fold(character)))
      }
    }
  }

  /// Whether a set has the character, and the place behind it; nil for one that is never closed.
  private func walkSet(_ start: Int, _ wanted: UInt32) -> (isMember: Bool, end: Int?) {
    var p = start
    func next() -> UInt32 {
      defer { p += 1 }
      return p < characters.count ? characters[p] : 0
    }
    var isFound = false
    var inverts = false
    var prior: UInt32 = 0
    var c = next()
    if c == 0x5E {
      inverts = true
      c = next()
    }
    if c == 0x5D {
      if wanted == 0x5D { isFound = true }
      c = next()
    }
    while c != 0, c != 0x5D {
      let following = p < characters.count ? characters[p] : 0
      if c == 0x2D, following != 0x5D, following != 0, prior > 0 {
        c = next()
        if wanted >= prior, wanted <= c { isFound = true }
        prior = 0
      } else {
        if wanted == c { isFound = true }
        prior = c
      }
      c = next()
    }
    return c == 0 ? (false, nil) : (isFound != inverts, p)
  }
}

/// An ASCII letter in lower case.
@inline(__always)
func lowered(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }

final class MatchPredicate: Predicate {
  private let node: Node
  private let pattern: Pattern

  init(_ node: Node, _ pattern: Pattern) {
    self.node = node
    self.pattern = pattern
  }

  override func test(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8> {
    let vector = try node.evaluate(frame)
    let slices = vector.slices
    let n = frame.count
    if n > 1, vector.valid == nil, pattern.isSearched, MatchPredicate.isOneRun(slices, n) {
      pattern.search(slices, n, scratch)
      return UnsafePointer(scratch)
    }
    for i in 0..<n {
      scratch[i] = vector.isValid(i) ? (pattern.matches(slices[i]) ? 2 : 0) : 1
    }
    return UnsafePointer(scratch)
  }

  /// Whether each text begins where the one before ends, as in a column of which no row is left out.
  private static func isOneRun(_ slices: UnsafePointer<UnsafeRawBufferPointer>, _ n: Int) -> Bool {
    for i in 1..<n {
      guard let before = slices[i &- 1].baseAddress,
        slices[i].baseAddress == before + slices[i &- 1].count
      else { return false }
    }
    return true
  }
}

/// One of some constants, none of which is NULL.
final class SetPredicate: Predicate {
  enum Members {
    /// Any of them may be there more than once.
    case integers([Int64])
    case reals(Set<Double>)
    case bytes(Set<[UInt8]>)
  }
  /// Many integers.
  private let keys: KeySet?
  private let node: Node
  private let members: Members
  private let hasNull: Bool
  /// Lists of a few integers are compared one by one.
  private let few: [Int64]?

  /// - Parameter checkpoint: once it is reached, the predicate is none.
  init(_ node: Node, _ members: Members, hasNull: Bool, _ checkpoint: Checkpoint = .none) {
    self.node = node
    self.hasNull = hasNull
    guard case .integers(let integers) = members else {
      (self.members, keys, few) = (members, nil, nil)
      return
    }
    self.members = .integers([])
    (keys, few) = integers.count > 8 ? (KeySet(integers, checkpoint), nil) : (nil, integers)
  }

  override func test(_ frame: Frame) throws(QueryError) -> UnsafePointer<UInt8> {
    let vector = try node.evaluate(frame)
    let n = frame.count
    let otherwise: UInt8 = hasNull ? 1 : 0
    switch members {
    case .integers:
      let integers = vector.integers
      if let few {
        scratch.update(repeating: otherwise, count: n)
        for member in few { for i in 0..<n { scratch[i] = integers[i] == member ? 2 : scratch[i] } }
      } else {
        keys!.test(integers, n, scratch)
        if hasNull { for i in 0..<n { scratch[i] = scratch[i] == 2 ? 2 : 1 } }
      }
    case .reals(let set):
      let reals = vector.reals
      for i in 0..<n { scratch[i] = set.contains(reals[i]) ? 2 : otherwise }
    case .bytes(let set):
      let slices = vector.slices
      if set.count <= 8 {
        let members = Array(set)
        for i in 0..<n {
          let slice = slices[i]
          let isMember =
            vector.isValid(i)
            && members.contains { member in
              member.count == slice.count && member.withUnsafeBytes { compareBytesEqual($0, slice) }
            }
          scratch[i] = isMember ? 2 : otherwise
        }
      } else {
        for i in 0..<n { scratch[i] = vector.isValid(i) && set.contains(Array(slices[i])) ? 2 : otherwise }
      }
    }
    mask(scratch, vector.valid, n)
    return UnsafePointer(scratch)
  }
}
