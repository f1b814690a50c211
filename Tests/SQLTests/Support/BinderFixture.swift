// Tables with every kind of column and value, for the binder's tests.

enum BinderFixture {
  static let definition = """
    CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c, d REAL, e NUMERIC);
    INSERT INTO t VALUES (1, 'a', 'x', 1.5, 2), (2, NULL, 5, NULL, 'abc'), (3, 'Abc', x'41', 2, 2.5),
      (4, '12', 2.25, -7, '7'), (5, '', NULL, 'odd', NULL), (-9, 'a ', 0, 1e300, 9223372036854775807);
    CREATE TABLE u(a INT, f TEXT COLLATE NOCASE NOT NULL, "e f" BLOB, G DATE);
    INSERT INTO u VALUES (1, 'A', x'00ff', '2024-02-29'), (2, 'b', 'text', NULL), (NULL, 'abc', 3, 20240101),
      ('x', '12', NULL, '2024-02-29 12:30:45'), (9223372036854775807, 'Z', 1.5, 'now?');
    CREATE TABLE s(k INTEGER NOT NULL, r REAL, t TEXT, b BLOB, y ANY, PRIMARY KEY (k)) STRICT, WITHOUT ROWID;
    INSERT INTO s VALUES (1, 1.5, 'q', x'01', 'any'), (2, NULL, NULL, NULL, 5), (3, -1e9, '3', x'', x'02');
    CREATE TABLE "my-table"(x INT, "select" TEXT COLLATE RTRIM);
    INSERT INTO "my-table" VALUES (1, 'a  '), (2, 'A');
    CREATE TABLE empty(a INTEGER, b);
    CREATE VIEW v AS SELECT A, b AS bee, d + 1, c COLLATE nocase FROM t;
    CREATE VIEW w(one, two) AS SELECT u.a, max(f) FROM u GROUP BY u.a;
    CREATE VIEW vv AS SELECT v.*, x FROM v JOIN "my-table";
    CREATE INDEX i ON t(b);
    """

  static let schema = GeneratorSchema(tables: [
    .init(name: "t", columns: ["a", "b", "c", "d", "e"]),
    .init(name: "u", columns: ["a", "f", "e f", "G"]),
    .init(name: "s", columns: ["k", "r", "t", "b", "y"]),
    .init(name: "my-table", columns: ["x", "select"]),
    .init(name: "v", columns: ["a", "bee", "d + 1", "c"]),
    .init(name: "w", columns: ["one", "two"]),
  ])
}
