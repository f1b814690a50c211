"""The schema contract: of hundreds of statements, the schema in FlightInfo, in the prepared statement, in GetSchema and in DoGet is the
same one byte for byte, with every field nullable. The ADBC driver compares them, and refuses what differs."""
import itertools
import re

import pyarrow as pa
import pytest
from pyarrow import flight

import flightsql_proto as proto
from sqlserver import act, command, connect, descriptor, prepare, serve_sql, statement

DECLARED = [
    "INTEGER", "INT", "BIGINT", "SMALLINT", "TINYINT", "UNSIGNED BIG INT", "REAL", "DOUBLE", "DOUBLE PRECISION", "FLOAT", "NUMERIC", "DECIMAL",
    "DECIMAL(10,2)", "DECIMAL(38,0)", "TEXT", "VARCHAR(20)", "CHARACTER(5)", "CLOB", "BLOB", "", "BOOLEAN", "DATE", "TIME", "TIMESTAMP", "DATETIME",
    "TIMESTAMP WITH TIME ZONE", "JSON", "UUID", "anything you wish", "ANY"]
MIXED = ["1", "2.5", "'text'", "x'0102'", "NULL", "9223372036854775807", "-9223372036854775808", "1e300", "''"]
EXPRESSIONS = [
    "1", "1.5", "'a'", "x'00'", "NULL", "1 + 1", "1 + NULL", "1 / 0", "1 = 1", "NULL IS NULL", "count(*)", "sum(i)", "sum(r)", "avg(i)", "total(i)", "min(t)",
    "max(b)", "group_concat(t)", "i || t", "i + r", "i * i", "-i", "NOT i", "i IN (1, 2)", "i BETWEEN 1 AND 2", "t LIKE 'a%'", "CASE WHEN i > 1 THEN i ELSE t END",
    "CASE WHEN i > 1 THEN i END", "coalesce(i, t)", "ifnull(n, 1)", "nullif(i, 1)", "CAST(i AS TEXT)", "CAST(t AS INTEGER)", "CAST(i AS REAL)", "CAST(t AS BLOB)",
    "abs(i)", "round(r)", "length(t)", "typeof(n)", "hex(b)", "date('now')", "julianday(t)", "random()", "zeroblob(3)", "quote(t)", "(SELECT i FROM v)",
    "(SELECT max(n) FROM v)", "EXISTS (SELECT 1)", "json_extract('{\"a\": 1}', '$.a')", "iif(i, t, r)", "i AS \"strange \"\"name\"", "unixepoch()", "n", "total_changes()",
    "row_number() OVER (ORDER BY i)", "sum(i) OVER ()", "i & 3", "i << 2", "i % 2", "r % 2", "9223372036854775807 + 1", "printf('%d', i)", "instr(t, 'a')", "i -> '$'"]
FIXED = [
    "EXPLAIN SELECT * FROM v", "EXPLAIN QUERY PLAN SELECT * FROM v", "PRAGMA table_info(v)", "PRAGMA table_list", "PRAGMA compile_options", "PRAGMA user_version",
    "PRAGMA foreign_key_list(v)", "PRAGMA integrity_check", "SELECT * FROM sqlite_schema", "SELECT * FROM pragma_table_info('v')", "VALUES (1, 'a'), (NULL, 2)",
    "VALUES (NULL)", "SELECT 1 UNION SELECT 'a'", "SELECT 1 UNION ALL SELECT 2.5", "SELECT NULL UNION ALL SELECT 1", "SELECT i FROM v EXCEPT SELECT i FROM v",
    "WITH c(x) AS (SELECT i FROM v) SELECT * FROM c", "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 5) SELECT x FROM c",
    "SELECT * FROM v AS a JOIN v AS b USING (i)", "SELECT * FROM v LEFT JOIN (SELECT 1 AS q) ON q = i", "SELECT a.*, b.i FROM v a, v b", "SELECT rowid, * FROM v",
    "SELECT count(*) FROM empty", "SELECT max(c0), min(c1), sum(c2) FROM empty", "SELECT * FROM empty", "SELECT * FROM sql_data", "SELECT * FROM feather_table",
    "SELECT metadata, is_active, count(*) FROM sql_data GROUP BY 1, 2", "SELECT * FROM sql_data WHERE 0", "SELECT value FROM json_each('[1, \"a\", null, 2.5]')",
    "SELECT i, i FROM v", "SELECT 1 AS a, 2 AS a", "SELECT * FROM every_type", "SELECT * FROM every_type LIMIT 0"]
WRITING = [
    "INSERT INTO w VALUES (1, 'a')", "INSERT INTO w VALUES (1, 'a') RETURNING *", "INSERT INTO w VALUES (NULL, NULL) RETURNING x, y, x + 1 AS z", "UPDATE w SET y = 'b' RETURNING rowid, y",
    "UPDATE w SET y = 2", "DELETE FROM w WHERE x = 77 RETURNING x", "DELETE FROM w RETURNING x, typeof(y)", "CREATE TABLE IF NOT EXISTS w2 (x)", "DROP TABLE IF EXISTS nothing_there",
    "INSERT INTO sql_data (id) VALUES (9) RETURNING id, name", "REPLACE INTO w VALUES (1, '00') RETURNING y", "ANALYZE", "REINDEX"]


@pytest.fixture(scope="module")
def client(programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("schemas")
    columns = ", ".join(f"c{i} {kind}" for i, kind in enumerate(DECLARED))
    script = [f"CREATE TABLE empty ({columns})", "CREATE TABLE w (x INTEGER, y TEXT)",
              "CREATE VIEW v AS SELECT 1 AS i, 2.5 AS r, 'a' AS t, x'00' AS b, NULL AS n UNION ALL SELECT NULL, NULL, NULL, NULL, 5"]
    for i, kind in enumerate(DECLARED):
        script.append(f"CREATE TABLE d{i} (first {kind}, c {kind})")
        # A first row without a value, and then everything that SQLite lets one put there.
        script += [f"INSERT INTO d{i} VALUES (NULL, NULL)"] + [f"INSERT INTO d{i} VALUES (NULL, {value})" for value in MIXED]
    for i, (kind, value) in enumerate(itertools.product(DECLARED, ("NULL", "'1'", "7"))):
        script += [f"CREATE TABLE s{i} (c {kind})", f"INSERT INTO s{i} VALUES ({value})"]
    (folder / "init.sql").write_text(";\n".join(script) + ";\n")
    programs.fletch("sample", "--kind", "types", "--rows", 20, "-o", folder / "every_type.feather")
    with serve_sql(programs, folder, folder / "every_type.feather", "--init", folder / "init.sql") as server, flight.connect(server.uri) as client:
        yield client


STATEMENTS = (
    [f"SELECT {expression} FROM v" for expression in EXPRESSIONS] + [f"SELECT {expression} FROM v WHERE 0" for expression in EXPRESSIONS]
    + [f"SELECT c{i} FROM empty" for i in range(len(DECLARED))] + [f"SELECT max(c{i}) AS m, c{i} || '' FROM empty" for i in range(len(DECLARED))]
    + [f"SELECT * FROM s{i}" for i in range(len(DECLARED) * 3)] + FIXED)


# A 7 in a BLOB, a BOOLEAN or a TIME, a sum that is no int64: by design an error that says so, and never another value.
UNFIT = {f"SELECT * FROM s{3 * DECLARED.index(kind) + i}" for kind, i in [("BLOB", 2), ("BOOLEAN", 2), ("TIME", 1), ("TIME", 2)]}
UNFIT.add("SELECT 9223372036854775807 + 1 FROM v")


def schemas(client, sql):
    """By every way that tells one, but for running it."""
    what = statement(sql)
    prepared = prepare(client, sql)
    if prepared.dataset_schema:
        yield "prepared", pa.ipc.read_schema(pa.py_buffer(prepared.dataset_schema))
    by_handle = descriptor("CommandPreparedStatementQuery", prepared_statement_handle=prepared.prepared_statement_handle)
    yield "GetSchema", client.get_schema(what).schema
    yield "GetSchema, prepared", client.get_schema(by_handle).schema
    for name, descriptor_ in (("", what), (", prepared", by_handle), (", text", flight.FlightDescriptor.for_command(sql))):
        info = client.get_flight_info(descriptor_)
        yield "FlightInfo" + name, info.schema
        for endpoint in info.endpoints:
            yield "DoGet" + name, client.do_get(endpoint.ticket).read_all().schema
    act(client, "ClosePreparedStatement", command("ActionClosePreparedStatementRequest", prepared_statement_handle=prepared.prepared_statement_handle))


@pytest.mark.parametrize("sql", STATEMENTS)
def test_one_schema(client, sql):
    try:
        told = list(schemas(client, sql))
    except pa.ArrowInvalid as error:
        # A value that is none of its column's declared type; the error says which.
        assert re.search("row 1, column '.*': .* is no value of type", str(error)) and sql in UNFIT, error
        return
    assert sql not in UNFIT
    names = {schema.serialize().to_pybytes() for _, schema in told}
    assert len(names) == 1, "\n".join(f"{name}: {schema.to_string(show_field_metadata=True)}" for name, schema in told)
    assert all(field.nullable for field in told[0][1])


@pytest.mark.parametrize("number", range(len(DECLARED)), ids=DECLARED)
def test_mixed_storage_is_never_silently_something_else(client, number):
    """Either the values come as they are, or an error says which does not fit; never a 0 in the place of a text."""
    for row, value in enumerate(MIXED, 2):
        sql = f"SELECT c, CAST(c AS TEXT) AS t, typeof(c) AS k FROM d{number} WHERE rowid = 1 OR rowid = {row}"
        info = client.get_flight_info(statement(sql))
        try:
            table = client.do_get(info.endpoints[0].ticket).read_all()
        except (pa.ArrowInvalid, pa.ArrowException) as error:
            assert "column 'c'" in str(error) and "row" in str(error), error
            continue
        assert table.schema.serialize() == info.schema.serialize()
        try:
            found = table.to_pylist()[1]
        except OverflowError:
            # Julian day 1 is in the year -4713, which Python does not know.
            assert DECLARED[number] in ("DATE", "TIMESTAMP", "DATETIME", "TIMESTAMP WITH TIME ZONE")
            continue
        if found["k"] == "null":
            assert found["c"] is None
        elif found["k"] in ("integer", "real") and isinstance(found["c"], (int, float)) and not isinstance(found["c"], bool):
            assert float(found["c"]) == pytest.approx(float(found["t"]))
        else:
            assert found["c"] is not None


@pytest.mark.parametrize("sql", WRITING)
def test_one_schema_of_what_writes(client, sql):
    prepared = prepare(client, sql)
    told = [client.get_schema(statement(sql)).schema]
    info = client.get_flight_info(statement(sql))
    table = client.do_get(info.endpoints[0].ticket).read_all()
    told += [info.schema, table.schema]
    if prepared.dataset_schema:
        told.append(pa.ipc.read_schema(pa.py_buffer(prepared.dataset_schema)))
    assert prepared.is_update == ("RETURNING" not in sql)
    # What depends on values alone is text until a statement that writes has run; its own answer is of one schema.
    assert info.schema.serialize() == table.schema.serialize() and all(field.nullable for field in info.schema)
    assert len({schema.serialize().to_pybytes() for schema in told}) == 1, [schema.to_string() for schema in told]


def test_the_driver_finds_nothing_to_complain_of(programs, tmp_path):
    with serve_sql(programs, tmp_path) as server, connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (a INT, b)").fetchall()
        for sql in ("SELECT * FROM t", "SELECT count(*), max(b) FROM t", "INSERT INTO t VALUES (NULL, 1) RETURNING *", "SELECT * FROM t", "PRAGMA table_info(t)"):
            cursor.execute(sql).fetchall()
