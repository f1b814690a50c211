// The types that parameters are told to have.

import Arrow
import Engine
import Testing

@Suite struct ParameterTypeTests {
  private let fixture: EngineFixture

  init() throws {
    fixture = try EngineFixture()
    try fixture.session.execute(
      script: """
        CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, born DATE, height REAL, active BOOLEAN, price DECIMAL(10, 2), any);
        CREATE TABLE pets (id INTEGER PRIMARY KEY, owner INTEGER, name BLOB);
        """, in: nil, fixture.control)
  }

  @Test(
    arguments: [
      ("SELECT * FROM people WHERE id = ?", "int64"), ("SELECT * FROM people WHERE ? < id", "int64"),
      ("SELECT * FROM people WHERE name LIKE ? AND height BETWEEN ? AND ?", "utf8 float64 float64"),
      ("SELECT * FROM people WHERE born > ? LIMIT ? OFFSET ?", "date32 int64 int64"),
      ("SELECT * FROM people WHERE name IN (?, ?) OR active = ?", "utf8 utf8 bool"),
      ("SELECT * FROM people p WHERE p.price >= :least AND p.name = :name COLLATE NOCASE", "decimal utf8"),
      ("INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?)", "int64 utf8 date32 float64 bool decimal null"),
      ("INSERT INTO people (height, id) VALUES (?, ?), (?, ?)", "float64 int64 float64 int64"),
      ("INSERT INTO people (id, name) SELECT ?, name FROM pets WHERE owner = ?", "int64 int64"),
      ("UPDATE people SET name = ?, height = height + ? WHERE id = ?", "utf8 float64 int64"),
      ("DELETE FROM people WHERE id IN (SELECT owner FROM pets WHERE owner > ?)", "int64"),
      ("SELECT coalesce(name, ?) FROM people WHERE length(?) > 2", "utf8 utf8"),
      ("SELECT CAST(? AS INTEGER), CASE id WHEN ? THEN 1 END FROM people", "int64 int64"),
      // What nothing tells stays open, and so does what two places tell differently, or two columns of one name.
      ("SELECT ?", "null"), ("SELECT * FROM people WHERE any = ?", "null"),
      ("SELECT * FROM people WHERE id = ?1 OR name = ?1", "null"),
      ("SELECT * FROM people, pets WHERE people.id = pets.owner AND pets.name = ?", "binary"),
      ("WITH x AS (SELECT name FROM people WHERE id = ?) SELECT * FROM x", "int64"),
    ])
  func byTheirPlace(_ sql: String, _ expected: String) throws {
    let statement = try fixture.session.prepare(sql, in: nil, fixture.control)
    defer { statement.close() }
    let types = statement.parameterSchema.fields.map { field in
      switch field.type {
      case .decimal128(10, 2): "decimal"
      case .null: "null"
      case .date32: "date32"
      case .binary: "binary"
      case .bool: "bool"
      case .int64: "int64"
      case .float64: "float64"
      case .utf8: "utf8"
      default: "\(field.type)"
      }
    }
    #expect(types.joined(separator: " ") == expected)
  }
}
