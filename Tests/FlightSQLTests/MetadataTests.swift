// Patterns, column metadata, and rows of metadata into batches and back.

import Arrow
import Flight
import Memory
import Testing

@testable import FlightSQL

@Suite struct MetadataTests {
  @Test func patternsMatchAsLIKEDoes() {
    let cases: [(String, String, Bool)] = [
      ("", "", true), ("", "x", false), ("%", "", true), ("%", "anything", true), ("_", "", false),
      ("_", "ü", true), ("a%c", "abbbc", true), ("a%c", "abbbcd", false), ("%b%", "abc", true),
      ("a_c", "abc", true), ("a_c", "ac", false), ("a\\_c", "abc", false), ("a\\_c", "a_c", true),
      ("100\\%", "100%", true), ("100\\%", "1000", false), ("\\\\", "\\", true), ("x\\", "x\\", true),
      ("Table", "table", false), ("%%a%%", "bab", true), ("%ab", "aab", true), ("a%a", "a", false),
      ("%_%", "", false), ("'; DROP TABLE t; --%", "'; DROP TABLE t; --", true),
    ]
    for (pattern, text, expected) in cases {
      #expect(LikePattern(pattern).matches(text) == expected, "\(pattern) on \(text)")
    }
    for text in ["a_b%c\\d", "", "\\"] {
      #expect(LikePattern(LikePattern.escaping(text)).matches(text))
      #expect(!LikePattern(LikePattern.escaping(text)).matches(text + "x"))
    }
    // What costs others exponential time.
    let long = String(repeating: "a", count: 5_000)
    #expect(!LikePattern(String(repeating: "%a", count: 500) + "b").matches(long))
  }

  @Test func aFieldTellsOfItsColumn() {
    var field = Field("x", .int64, metadata: ["other": "entry"])
    field.flightSQL.typeName = "INTEGER"
    field.flightSQL.precision = 19
    field.flightSQL.scale = 0
    field.flightSQL.isAutoIncrement = true
    field.flightSQL.isReadOnly = false
    field.flightSQL.dbSchemaName = "main"
    #expect(field.metadata["ARROW:FLIGHT:SQL:TYPE_NAME"] == "INTEGER")
    #expect(field.metadata["ARROW:FLIGHT:SQL:PRECISION"] == "19")
    #expect(field.metadata["ARROW:FLIGHT:SQL:IS_AUTO_INCREMENT"] == "1")
    #expect(field.metadata["ARROW:FLIGHT:SQL:IS_READ_ONLY"] == "0")
    #expect(field.metadata["ARROW:FLIGHT:SQL:DB_SCHEMA_NAME"] == "main")
    #expect(field.metadata["other"] == "entry")
    #expect(field.flightSQL.isAutoIncrement == true && field.flightSQL.scale == 0)
    #expect(field.flightSQL.remarks == nil && field.flightSQL.isSearchable == nil)
    field.flightSQL.typeName = nil
    #expect(field.metadata["ARROW:FLIGHT:SQL:TYPE_NAME"] == nil)
  }

  @Test func rowsComeBackInTheOrderOfTheSpecification() throws {
    let schema = Schema([Field("id", .int64, isNullable: false), Field("name", .utf8)])
    let tables = [
      TableRow(catalog: "main", dbSchema: nil, table: "b", type: "TABLE", tableSchema: schema),
      TableRow(catalog: nil, dbSchema: "z", table: "c", type: "VIEW", tableSchema: Schema([])),
      TableRow(catalog: "main", dbSchema: nil, table: "a", type: "TABLE", tableSchema: schema),
    ]
    let batch = try TableRow.batch(tables, includeSchema: true)
    #expect(batch.schema == TableRow.schema)
    #expect(try TableRow.rows(batch) == [tables[1], tables[2], tables[0]])
    let bare = try TableRow.rows(try TableRow.batch(tables, includeSchema: false))
    #expect(bare.map(\.table) == ["c", "a", "b"] && bare.allSatisfy { $0.tableSchema == nil })

    let keys = [10, 2].map {
      PrimaryKeyRow(catalog: nil, dbSchema: "", table: "t", column: "c\($0)", keySequence: $0)
    }
    #expect(try PrimaryKeyRow.rows(try PrimaryKeyRow.batch(keys)) == keys.reversed())

    let column = ForeignKeyRow.Column(catalog: nil, dbSchema: "main", table: "t", column: "c")
    let foreign = ForeignKeyRow(
      primary: column, foreign: column, keySequence: 1, foreignKeyName: "fk", updateRule: .setDefault,
      deleteRule: .cascade)
    #expect(try ForeignKeyRow.rows(try ForeignKeyRow.batch([foreign])) == [foreign])
    #expect(try CatalogRow.rows(try CatalogRow.batch([])) == [])

    let types = try XdbcTypeInfo.rows(try XdbcTypeInfo.batch(XdbcTypeInfo.sqlite))
    #expect(Set(types) == Set(XdbcTypeInfo.sqlite))
    #expect(types.map(\.dataType) == types.map(\.dataType).sorted())
  }

  @Test func columnsOfOtherTypesAreAnError() throws {
    let batch = try PrimaryKeyRow.batch([])
    #expect(try TableRow.rows(batch) == [])
    let row = PrimaryKeyRow(catalog: nil, dbSchema: nil, table: "t", column: "c", keySequence: 1)
    let error = #expect(throws: DataError.self) {
      _ = try XdbcTypeInfo.rows(try PrimaryKeyRow.batch([row]))
    }
    #expect(error?.code == .malformed)
  }

  @Test func everyKindOfSqlInfoComesBack() throws {
    var info = SqlInfo()
    info[.serverName] = "Fletch"
    info[.serverReadOnly] = false
    info[.serverTransaction] = .savepoint
    info[.serverStatementTimeout] = 60_000
    info[.maxTableNameLength] = 0
    info[.keywords] = ["ABORT", "ACTION"]
    info[.supportedUnions] = [.union, .unionAll]
    info[.supportsConvert] = SqlSupportsConvert([.integer: [.varchar, .real], .bit: []])
    info[SqlInfoKey<String>(10_001, "OUR_OWN")] = ""
    var again = SqlInfo()
    let batch = try info.batch()
    #expect(batch.schema == SqlInfo.schema)
    try again.add(batch)
    #expect(again == info)
    #expect(again[.serverTransaction] == .savepoint && again[.supportedUnions] == [.union, .unionAll])
    #expect(again[.supportsConvert]?.targets[.integer] == [.varchar, .real])
    #expect(again[.serverVersion] == nil)
    #expect(info.selecting([8, 9]).values == [8: .int32(2)])
    #expect(info.selecting([]) == info)
    #expect(info.values[SqlInfoKey<SqlSupportedUnions>.supportedUnions.code] == .int32(3))
  }
}
