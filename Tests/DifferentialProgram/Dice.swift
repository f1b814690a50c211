// Randomness whose state is a number that can be printed, and the catalog of a session's own tables.

import SQL
import SQLite
import Tables

/// A small generator: the same state gives the same numbers.
struct Dice {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  mutating func below(_ n: Int) -> Int { Int(next() % UInt64(n)) }
  mutating func oneIn(_ n: Int) -> Bool { below(n) == 0 }
  mutating func pick<T>(_ items: [T]) -> T { items[below(items.count)] }
}

/// Published tables and views of one session.
struct SessionCatalog: Catalog {
  let session: TableSession

  func relation(schema: String?, name: String) throws(SQLError) -> Relation? {
    if let view = try? session.connection.value(
      "SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = ?", .text(name)),
      case .text(let sql) = view
    {
      return Relation(name: name, kind: .view(sql: sql, columns: nil), columns: [], hasRowid: false)
    }
    guard let published = try? session.publishedSchema(of: name) else { return nil }
    return Relation(
      name: name, kind: .published, columns: published.fields.map { CatalogColumn(published: $0) })
  }
}
