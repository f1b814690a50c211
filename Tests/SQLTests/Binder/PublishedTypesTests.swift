// Arrow fields of published columns, carried through everything that leaves values as they are.

import Arrow
import Testing

@testable import SQL

@Suite struct PublishedTypesTests {
  struct OneTable: Catalog {
    static let fields: [Field] = [
      Field("id", .int32, isNullable: false), Field("at", .timestamp(.microsecond, zone: "UTC")),
      Field("price", .decimal128(precision: 12, scale: 2)),
      Field("name", .dictionary(indices: .int16, values: .utf8, isOrdered: false)),
      Field("share", .float32), Field("big", .uint64), Field("huge", .decimal128(precision: 38, scale: 0)),
      Field("flag", .bool), Field("raw", .binary), Field("tags", .list(Field("item", .utf8))),
      Field("mixed", .union(.dense, fields: [Field("a", .int8)], ids: [0])), Field("void", .null),
    ]

    func relation(schema: String?, name: String) throws(SQLError) -> Relation? {
      switch name.sqlFolded {
      case "p":
        Relation(name: "p", kind: .published, columns: Self.fields.map { CatalogColumn(published: $0) })
      case "v":
        Relation(
          name: "v",
          kind: .view(
            sql: "CREATE VIEW v(i, t) AS SELECT id, \"at\" FROM p WHERE flag", columns: ["i", "t"]),
          columns: [], hasRowid: false)
      default: nil
      }
    }
  }

  func type(_ expression: String, from: String = "p") throws -> StaticType {
    let sql = "SELECT \(expression) FROM \(from)"
    let bound = try Binder.bind(Statement(sql)!, text: sql, catalog: OneTable())
    guard case .select(let select) = bound.kind else { preconditionFailure() }
    return select.columns[0].type
  }

  static let timestamp = DataType.timestamp(.microsecond, zone: "UTC")

  @Test(arguments: [
    "at", "at AS x", "(at)", "+at", "at COLLATE nocase", "max(at)", "min(at)", "coalesce(at, NULL)",
    "ifnull(NULL, at)",
    "CASE WHEN id > 1 THEN at END", "CASE id WHEN 1 THEN at ELSE at END", "nullif(at, 'x')",
    "iif(flag, at, NULL)", "max(at, at)",
    "(SELECT max(at) FROM p)", "first_value(at) OVER (ORDER BY id)", "lag(at) OVER (ORDER BY id)",
    "nth_value(at, 2) OVER ()",
    "lead(at, 1, at) OVER (ORDER BY id)", "likely(at)",
  ])
  func carried(_ expression: String) throws {
    #expect(try type(expression).field?.type == Self.timestamp)
  }

  @Test(arguments: [
    "v", "(SELECT at AS t FROM p)", "(SELECT at AS t FROM p UNION ALL SELECT t FROM v)",
    "(SELECT t FROM v ORDER BY i LIMIT 3)",
    "(SELECT max(at) AS t FROM p GROUP BY id)", "p AS a LEFT JOIN v",
    "(WITH c(t) AS (SELECT at FROM p) SELECT * FROM c)",
  ])
  func carriedThrough(_ source: String) throws {
    #expect(try type("t", from: source).field?.type == Self.timestamp)
  }

  @Test(arguments: [
    "at || ''", "at + 1", "coalesce(at, 'x')", "CASE WHEN flag THEN at ELSE name END", "date(at)",
    "count(at)", "CAST(at AS TEXT)", "group_concat(at)",
  ])
  func notCarried(_ expression: String) throws {
    #expect(try type(expression).field == nil)
  }

  @Test func classesOfColumns() throws {
    let expected: [(String, StorageClasses)] = [
      ("id", .integer), ("at", [.text, .null]), ("price", [.real, .null]), ("name", [.text, .null]),
      ("share", [.real, .null]),
      ("big", [.integer, .text, .null]), ("huge", [.integer, .text, .null]), ("flag", [.integer, .null]),
      ("raw", [.blob, .null]),
      ("tags", [.text, .null]), ("mixed", .any), ("void", .null),
    ]
    for (name, classes) in expected { #expect(try type(name).classes == classes, "\(name)") }
  }

  @Test func resultFields() throws {
    let expected: [(String, DataType?)] = [
      ("id", .int32), ("share", .float32), ("id + 1", .int64), ("count(*)", .int64), ("sum(id)", .int64),
      ("avg(id)", .float64),
      ("sum(price)", .float64), ("id / 2", .int64), ("id * 0.5", .float64), ("name || 'x'", .utf8),
      ("CAST(raw AS BLOB)", .binary),
      ("NULL", nil), ("big + 1", nil), ("CASE WHEN flag THEN 1 ELSE 'x' END", nil),
      ("CASE WHEN flag THEN 1 ELSE 2.5 END", .float64),
      ("?", nil), ("mixed", .union(.dense, fields: [Field("a", .int8)], ids: [0])), ("length(name)", .int64),
      ("-id", .int64),
      ("id = 1", .int64), ("row_number() OVER ()", .int64), ("typeof(id)", .utf8), ("round(share)", .float64),
      ("substr(name, 1)", .utf8),
    ]
    for (expression, field) in expected where expression != "big + 1" {
      #expect(try resultField(for: type(expression)) == field, "\(expression)")
    }
    // Text among the operands may be a number of either class.
    #expect(try resultField(for: type("big + 1")) == .float64)
  }

  @Test func nullability() throws {
    #expect(try type("id").classes == .integer)
    #expect(try type("a.id", from: "p AS b LEFT JOIN p AS a ON a.id = b.id").classes == [.integer, .null])
    #expect(try type("b.id", from: "p AS b LEFT JOIN p AS a ON a.id = b.id").classes == .integer)
    #expect(try type("b.id", from: "p AS b RIGHT JOIN p AS a ON a.id = b.id").classes == [.integer, .null])
    #expect(try type("max(id)").classes == [.integer, .null])
    #expect(try type("coalesce(flag, 0)").classes == .integer)
  }
}
