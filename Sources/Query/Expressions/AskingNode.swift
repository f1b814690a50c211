// Expressions that SQLite itself computes, a row at a time: what vectors do not know, and still is of one certain class.

import Arrow
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

  init(_ kind: ValueKind, _ sql: String, _ parts: [Part], _ asked: Asked) {
    self.sql = sql
    self.parts = parts
    self.asked = asked
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
        for (place, vector) in vectors.enumerated() { try bind(vector, i, place, statement) }
        guard try statement.step() else { throw SQLiteError(.misuse, "an expression without a value") }
        bytes += try take(statement, i)
        statement.reset()
        if bytes > AskingNode.limit { throw SQLiteError(.misuse, "texts are very long") }
      }
    } catch {
      statement.reset()
      throw QueryError(.leftToSQLite, "\(error)")
    }
    return scratch.vector(UnsafePointer(scratch.valid))
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

/// Whether date functions take a text for the present.
func isNow(_ text: UnsafeRawBufferPointer) -> Bool {
  text.count >= 3 && text[0] | 0x20 == UInt8(ascii: "n") && text[1] | 0x20 == UInt8(ascii: "o")
    && text[2] | 0x20 == UInt8(ascii: "w") && (text.count == 3 || text[3] == 0)
}
