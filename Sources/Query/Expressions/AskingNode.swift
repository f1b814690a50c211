// Expressions that SQLite itself computes, a row at a time: what vectors do not know, and still is of one certain class.

import Arrow
import Kernels
import Memory
import SQLite

/// A database of nothing, for the expressions of one worker. It is opened when the first of them is computed.
final class Asked {
  private var connection: Connection?

  func statement(_ sql: String) throws(QueryError) -> Statement {
    do throws(SQLiteError) {
      if connection == nil { connection = try Connection(path: ":memory:") }
      return try connection!.prepare(sql, persistent: true)
    } catch {
      throw QueryError(.leftToSQLite, "SQLite does not compute it by itself: \(error)")
    }
  }
}

/// `SELECT expression` with its operands as parameters. An error leaves the query to SQLite, which may never get to compute that row.
final class AskingNode: Node {
  /// An operand, and whether it is a time that must not be the present.
  typealias Part = (node: Node, isTime: Bool)
  /// What the texts of a frame may take, in bytes.
  private static let limit = 64 << 20

  private let asked: Asked
  private let sql: String
  private let parts: [Part]
  private let scratch = Scratch()
  private let arena = ByteArena()
  private var statement: Statement?
  private var memory: AskingMemory?

  init(_ kind: ValueKind, _ sql: String, _ parts: [Part], _ asked: Asked) {
    self.sql = sql
    self.parts = parts
    self.asked = asked
    memory = parts.count == 1 ? AskingMemory() : nil
    super.init(kind)
  }

  override func evaluate(_ frame: Frame) throws(QueryError) -> Vector {
    if self.statement == nil { self.statement = try asked.statement(sql) }
    let statement = self.statement!
    arena.reset()
    var vectors: [Vector] = []
    for part in parts { vectors.append(try part.node.evaluate(frame)) }
    var bytes = 0
    do throws(SQLiteError) {
      for i in 0..<frame.count {
        if let memory, recall(vectors[0], i, memory) { continue }
        for (place, vector) in vectors.enumerated() { try bind(vector, i, place, statement) }
        guard try statement.step() else { throw SQLiteError(.misuse, "an expression without a value") }
        bytes += try take(statement, i)
        statement.reset()
        if let memory, vectors[0].isValid(i) { remember(vectors[0], i, memory) }
        if bytes > AskingNode.limit { throw SQLiteError(.misuse, "texts are very long") }
      }
    } catch {
      statement.reset()
      throw QueryError(.leftToSQLite, "\(error)")
    }
    if let memory, !memory.isWorthwhile { self.memory = nil }
    return scratch.vector(UnsafePointer(scratch.valid))
  }

  // MARK: Answers that are known

  /// Takes the answer for the same operand, if there was one not long ago.
  private func recall(_ vector: Vector, _ row: Int, _ memory: AskingMemory) -> Bool {
    guard vector.isValid(row) else { return false }
    let place: Int
    if parts[0].node.kind.isFixed {
      guard let found = memory.place(ofWord: UInt64(bitPattern: vector.integers[row])) else { return false }
      place = found
    } else {
      guard let found = memory.place(of: vector.slices[row]) else { return false }
      place = found
    }
    let entry = memory.entries[place]
    scratch.valid[row] = entry.isValid ? 1 : 0
    if kind.isFixed {
      scratch.integers[row] = entry.word
    } else {
      scratch.slices[row] = arena.copy(entry.bytes)
    }
    return true
  }

  private func remember(_ vector: Vector, _ row: Int, _ memory: AskingMemory) {
    let bytes = kind.isFixed ? [] : Array(scratch.slices[row])
    if bytes.count > AskingMemory.limit { return }
    let word = kind.isFixed ? scratch.integers[row] : 0
    let isValid = scratch.valid[row] != 0
    if parts[0].node.kind.isFixed {
      memory.set(word: UInt64(bitPattern: vector.integers[row]), key: [], isValid, word, bytes)
    } else if vector.slices[row].count <= AskingMemory.limit {
      memory.set(
        word: ValueHash.of(vector.slices[row]), key: Array(vector.slices[row]), isValid, word, bytes)
    }
  }

  @inline(__always)
  private func bind(_ vector: Vector, _ row: Int, _ place: Int, _ statement: Statement) throws(SQLiteError) {
    guard vector.isValid(row) else { return try statement.bindNull(to: place + 1) }
    switch parts[place].node.kind {
    case .null: try statement.bindNull(to: place + 1)
    case .integer: try statement.bind(vector.integers[row], to: place + 1)
    case .real: try statement.bind(vector.reals[row], to: place + 1)
    case .blob: try statement.bind(lending: vector.slices[row], isText: false, to: place + 1)
    case .text, .ticks:
      let text = vector.slices[row]
      // The present is the same for all rows of a statement.
      if parts[place].isTime, isNow(text) { throw SQLiteError(.misuse, "a time is the present") }
      try statement.bind(lending: text, isText: true, to: place + 1)
    }
  }

  /// - Returns: how many bytes the value has.
  @inline(__always)
  private func take(_ statement: Statement, _ row: Int) throws(SQLiteError) -> Int {
    let storage = statement.storage(0)
    scratch.valid[row] = storage == .null ? 0 : 1
    switch (storage, kind) {
    case (.null, _):
      if kind.isFixed {
        scratch.integers[row] = 0
      } else {
        scratch.slices[row] = UnsafeRawBufferPointer(start: nil, count: 0)
      }
    case (.integer, .integer): scratch.integers[row] = statement.integer(0)
    case (.real, .real): scratch.reals[row] = statement.real(0)
    case (.text, .text), (.blob, .blob):
      return try statement.withBytes(0) { bytes throws(SQLiteError) in
        // A result that is none is an error, which SQLite's way has the words for.
        if kind == .text, !UTF8Check.isValid(RawSpan(_unsafeBytes: bytes)) {
          throw SQLiteError(.misuse, "a text is no UTF-8")
        }
        let copy = arena.allocate(bytes.count)
        if let base = bytes.baseAddress { copy.copyMemory(from: base, byteCount: bytes.count) }
        scratch.slices[row] = UnsafeRawBufferPointer(start: copy, count: bytes.count)
        return bytes.count
      }
    default: throw SQLiteError(.misuse, "a value is of another class than its expression promises")
    }
    return 0
  }
}

/// The last answers for operands: few different values are mostly what functions are grouped by.
private final class AskingMemory {
  struct Entry {
    var isUsed = false
    var word0: UInt64 = 0
    var key: [UInt8] = []
    var isValid = false
    var word: Int64 = 0
    var bytes: [UInt8] = []
  }
  /// Longer texts are not kept.
  static let limit = 64
  private static let size = 1024

  @exclusivity(unchecked) private(set) var entries = [Entry](repeating: Entry(), count: size)
  private var asked = 0
  private var found = 0

  /// Whether it has saved a part of the questions.
  var isWorthwhile: Bool { asked < 8192 || found * 4 > asked }

  private func slot(_ word: UInt64) -> Int {
    Int(truncatingIfNeeded: ValueHash.mix(word)) & (AskingMemory.size - 1)
  }

  func place(ofWord word: UInt64) -> Int? {
    asked += 1
    let slot = slot(word)
    guard entries[slot].isUsed, entries[slot].word0 == word else { return nil }
    found += 1
    return slot
  }

  func place(of text: UnsafeRawBufferPointer) -> Int? {
    asked += 1
    let word = ValueHash.of(text)
    let slot = slot(word)
    guard entries[slot].isUsed, entries[slot].word0 == word,
      entries[slot].key.withUnsafeBytes({ equalBytes($0, text) })
    else { return nil }
    found += 1
    return slot
  }

  func set(word word0: UInt64, key: [UInt8], _ isValid: Bool, _ word: Int64, _ bytes: [UInt8]) {
    entries[slot(word0)] = Entry(
      isUsed: true, word0: word0, key: key, isValid: isValid, word: word, bytes: bytes)
  }
}

/// Whether date functions take a text for the present.
func isNow(_ text: UnsafeRawBufferPointer) -> Bool {
  text.count >= 3 && text[0] | 0x20 == UInt8(ascii: "n") && text[1] | 0x20 == UInt8(ascii: "o")
    && text[2] | 0x20 == UInt8(ascii: "w") && (text.count == 3 || text[3] == 0)
}
