"""The ADBC Flight SQL driver (the Go one, behind the Python wheel) against `fletch serve`: what Python programs do with SQL."""
import contextlib
import datetime
import decimal
import threading
import time

import adbc_driver_flightsql
import adbc_driver_flightsql.dbapi as dbapi
import adbc_driver_manager
import pyarrow as pa
import pytest
from pyarrow import flight

from servers import wait_until
from sqlserver import ask, connect, serve_sql, update

NAMES = [("Alice",), ("Bob",), ("Charlie",), ("Daniel",), ("Eve",)]
CHAIN = """CREATE TABLE parent (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(20) NOT NULL UNIQUE, price DECIMAL(10,2));
CREATE TABLE child (a INT, b INT, parent INTEGER REFERENCES parent(id) ON DELETE CASCADE, PRIMARY KEY (a, b));
CREATE VIEW named AS SELECT name FROM parent;
CREATE TABLE "we""ird a_b" (x INT);
CREATE TABLE "we""ird axb" (x INT);
"""


@pytest.fixture
def server(programs, tmp_path):
    with serve_sql(programs, tmp_path) as server:
        yield server


@pytest.fixture
def connection(server):
    with connect(server) as connection:
        yield connection


@pytest.fixture
def cursor(connection):
    with connection.cursor() as cursor:
        yield cursor


@contextlib.contextmanager
def low_level(server):
    with adbc_driver_flightsql.connect(server.uri) as database, adbc_driver_manager.AdbcConnection(database) as connection:
        yield connection


# The Go driver has no ADBC status for these codes of gRPC; they are in its message.
FAILED_PRECONDITION, ABORTED = "FailedPrecondition", "Aborted"


def fails(code, match):
    """A context in which the driver must fail with that ADBC status, or code of gRPC, and message."""
    @contextlib.contextmanager
    def context():
        with pytest.raises(adbc_driver_manager.Error, match=match) as caught:
            yield
        assert caught.value.status_code.name == code or f"({code};" in str(caught.value), caught.value
    return context()


# Queries.

def test_a_query(cursor):
    cursor.execute("SELECT * FROM sql_data ORDER BY id")
    assert [name for name, *_ in cursor.description] == ["id", "age", "city", "is_active", "name", "metadata"]
    table = cursor.fetch_arrow_table()
    assert table.column("name").to_pylist() == [name for name, in NAMES]
    assert table.schema.field("is_active").type == pa.bool_() and table.column("is_active").to_pylist()[3] is None
    assert table.schema.field("metadata").type == pa.struct([("dept", pa.string())])
    assert table.column("metadata").to_pylist()[:2] == [{"dept": "Engineering"}, {"dept": "Sales"}]


def test_ways_to_fetch(cursor):
    assert cursor.execute("SELECT name FROM sql_data ORDER BY id").fetchone() == NAMES[0]
    assert cursor.fetchmany(2) == NAMES[1:3] and cursor.fetchall() == NAMES[3:]
    cursor.execute("SELECT id, name FROM sql_data ORDER BY id")
    assert cursor.fetch_record_batch().read_all().num_rows == 5
    assert cursor.execute("SELECT count(*) AS n FROM sql_data").fetch_df().to_dict("list") == {"n": [5]}
    assert cursor.execute("SELECT count(*) AS n FROM sql_data").fetch_polars().to_dicts() == [{"n": 5}]
    assert cursor.execute("SELECT 1 WHERE 0").fetchall() == []


def test_the_schema_alone(cursor, server):
    assert cursor.adbc_execute_schema("SELECT id, name FROM sql_data").equals(pa.schema([("id", pa.int64()), ("name", pa.string())]))
    update(server, "CREATE TABLE t (x INT)")
    # Of an update there is none: JDBC knows it by that.
    with fails("NOT_IMPLEMENTED", "did not provide schema"):
        cursor.adbc_execute_schema("INSERT INTO t VALUES (1)")
    assert ask(server, "SELECT count(*) FROM t") == [(0,)]


def test_several_cursors_at_once(connection):
    with connection.cursor() as first, connection.cursor() as second:
        first.execute("SELECT id FROM sql_data ORDER BY id")
        second.execute("SELECT id FROM sql_data ORDER BY id DESC")
        assert [first.fetchone()[0], second.fetchone()[0], first.fetchone()[0], second.fetchone()[0]] == [1, 5, 2, 4]


# Parameters.

VALUES = [
    (pa.int8(), -7), (pa.int16(), 300), (pa.int32(), 1 << 30), (pa.int64(), -(1 << 62)), (pa.uint8(), 200), (pa.uint16(), 60_000),
    (pa.uint32(), 4_000_000_000), (pa.float32(), 0.5), (pa.float64(), 0.1), (pa.bool_(), True), (pa.string(), "naïve 🙂 'quoted'"),
    (pa.large_string(), "long"), (pa.string_view(), "a view of a text of more than twelve bytes"), (pa.binary(), b"\x00\xff"),
    (pa.large_binary(), b"abc"), (pa.binary(3), b"xyz"), (pa.null(), None), (pa.int64(), None), (pa.string(), None),
    (pa.dictionary(pa.int32(), pa.string()), "coded"),
]


@pytest.mark.parametrize("kind, value", VALUES, ids=[f"{kind} {value!r}"[:30] for kind, value in VALUES])
def test_a_parameter_of_each_type(cursor, kind, value):
    batch = pa.record_batch([pa.array([value], kind)], names=["p"])
    cursor.execute("SELECT ? AS v", batch)
    assert cursor.fetchall() == [(int(value) if isinstance(value, bool) else value,)]


@pytest.mark.parametrize("kind, value, text", [
    (pa.date32(), datetime.date(2024, 2, 29), "2024-02-29"),
    (pa.date64(), datetime.date(2024, 2, 29), "2024-02-29"),
    (pa.timestamp("us"), datetime.datetime(2024, 2, 29, 12, 30, 15, 250_000), "2024-02-29 12:30:15.250"),
    (pa.timestamp("s"), datetime.datetime(2024, 2, 29, 12, 30, 15), "2024-02-29 12:30:15"),
    (pa.time64("us"), datetime.time(12, 30, 15), "12:30:15"),
])
def test_a_date_as_parameter_is_what_sqlite_reads(cursor, kind, value, text):
    cursor.execute("SELECT julianday(?1) = julianday(?2) AS same", pa.record_batch([pa.array([value], kind), pa.array([text])], names=["a", "b"]))
    assert cursor.fetchall() == [(1,)]


def test_parameters_by_order_and_by_name(cursor):
    assert cursor.execute("SELECT name FROM sql_data WHERE age > ? AND city = ?", (20, "New York")).fetchall() == [("Alice",), ("Daniel",)]
    batch = pa.record_batch([pa.array(["New York"]), pa.array([20])], names=["city", "age"])
    assert cursor.execute("SELECT name FROM sql_data WHERE age > :age AND city = :city", batch).fetchall() == [("Alice",), ("Daniel",)]
    assert cursor.execute("SELECT ?2, ?1", ("a", "b")).fetchall() == [("b", "a")]


def test_several_rows_of_parameters_give_all_results(cursor):
    batch = pa.record_batch([pa.array([5, 1, 77, 2])], names=["id"])
    assert cursor.execute("SELECT name FROM sql_data WHERE id = ?", batch).fetchall() == [("Eve",), ("Alice",), ("Bob",)]


def test_wrong_numbers_of_parameters(cursor):
    with fails("INVALID_ARGUMENT", "2 parameters"):
        cursor.execute("SELECT ?, ?", (1,))
    with fails("INVALID_ARGUMENT", "0 parameters, and 1"):
        cursor.execute("SELECT 1", (1,))
    with fails("INVALID_ARGUMENT", "1 parameter, and 2"):
        cursor.execute("SELECT ?", (1, 2))


def test_parameter_schema(cursor):
    assert cursor.adbc_prepare("SELECT name FROM sql_data WHERE id = ? AND city = ?").types == [pa.int64(), pa.utf8()]
    assert cursor.adbc_prepare("SELECT ?").types == [pa.null()]


def test_prepared_and_run_again(server):
    with low_level(server) as connection, adbc_driver_manager.AdbcStatement(connection) as statement:
        statement.set_sql_query("SELECT name FROM sql_data WHERE id = ?")
        statement.prepare()
        for number, (name,) in enumerate(NAMES, 1):
            batch = pa.record_batch([pa.array([number])], names=["id"])
            statement.bind(*export(batch))
            stream, _ = statement.execute_query()
            assert pa.RecordBatchReader._import_from_c(stream.address).read_all().to_pylist() == [{"name": name}]


def export(batch):
    array, schema = adbc_driver_manager.ArrowArrayHandle(), adbc_driver_manager.ArrowSchemaHandle()
    batch._export_to_c(array.address, schema.address)
    return array, schema


# Updates.

def test_updates_count_their_rows(cursor, server):
    cursor.execute("CREATE TABLE t (x INTEGER, y TEXT)").fetchall()
    cursor.executemany("INSERT INTO t VALUES (?, ?)", [(i, str(i)) for i in range(10)])
    assert cursor.rowcount == 10

    def count(sql):
        cursor.adbc_statement.set_sql_query(sql)
        return cursor.adbc_statement.execute_update()
    assert count("UPDATE t SET y = 'new' WHERE x < 4") == 4
    assert count("DELETE FROM t WHERE x > 7") == 2
    # SQLite still tells the changes of the statement before.
    assert count("CREATE INDEX i ON t (x)") == -1
    assert count("INSERT INTO sql_data (id, name) VALUES (6, 'Zoe')") == 1
    assert ask(server, "SELECT count(*), max(name) FROM sql_data") == [(6, "Zoe")]


def test_executemany_is_all_or_nothing(cursor, server):
    cursor.execute("CREATE TABLE t (x INTEGER PRIMARY KEY)").fetchall()
    with fails("ALREADY_EXISTS", "UNIQUE constraint failed: t.x"):
        cursor.executemany("INSERT INTO t VALUES (?)", [(1,), (2,), (1,), (3,)])
    assert ask(server, "SELECT count(*) FROM t") == [(0,)]


def test_returning(cursor, server):
    cursor.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT)").fetchall()
    assert cursor.execute("INSERT INTO t (x) VALUES ('a'), ('b') RETURNING id, x").fetchall() == [(1, "a"), (2, "b")]
    assert cursor.execute("UPDATE t SET x = x || '!' WHERE id = ? RETURNING x", (2,)).fetchall() == [("b!",)]
    batch = pa.record_batch([pa.array(["c", "d"])], names=["x"])
    assert cursor.execute("INSERT INTO t (x) VALUES (?) RETURNING id", batch).fetchall() == [(3,), (4,)]
    assert ask(server, "SELECT group_concat(x) FROM t") == [("a,b!,c,d",)]


# Loading.

@pytest.mark.parametrize("mode, exists, result", [
    ("create", False, 2), ("create", True, "ALREADY_EXISTS"), ("append", False, "NOT_FOUND"), ("append", True, 7),
    ("replace", False, 2), ("replace", True, 2), ("create_append", False, 2), ("create_append", True, 7)])
def test_ingest(cursor, server, mode, exists, result):
    table, rows = ("sql_data", pa.table({"id": [7, 8], "name": ["a", None]})) if exists else ("fresh", pa.table({"id": [7, 8], "name": ["a", None]}))
    if exists and mode != "replace":
        rows = pa.table({"id": [7, 8], "age": [1, None], "city": ["x", None], "is_active": [True, None], "name": ["a", None],
                         "metadata": pa.array([{"dept": "d"}, None])})
    if isinstance(result, str):
        with fails(result, table):
            cursor.adbc_ingest(table, rows, mode=mode)
        assert ask(server, "SELECT count(*) FROM sql_data") == [(5,)]
        return
    assert cursor.adbc_ingest(table, rows, mode=mode) == 2
    assert ask(server, f"SELECT count(*), max(id) FROM {table}") == [(result, 8)]


def test_ingest_into_a_row_table(cursor, server):
    cursor.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT NOT NULL)").fetchall()
    assert cursor.adbc_ingest("t", pa.table({"id": [1, 2], "name": ["a", "b"]}), mode="append") == 2
    with fails("ALREADY_EXISTS", "UNIQUE constraint failed: t.id"):
        cursor.adbc_ingest("t", pa.table({"id": [3, 2], "name": ["c", "d"]}), mode="append")
    with fails("INVALID_ARGUMENT", "NOT NULL constraint failed: t.name"):
        cursor.adbc_ingest("t", pa.table({"id": [4], "name": pa.array([None], pa.string())}), mode="append")
    assert ask(server, "SELECT * FROM t") == [(1, "a"), (2, "b")]


def test_ingest_what_does_not_fit(server):
    # The driver keeps the catalog and schema of one load for the next of the same cursor.
    def load(table, columns, **where):
        with connect(server) as connection, connection.cursor() as cursor:
            return cursor.adbc_ingest(table, pa.table(columns), **where)
    with fails("INVALID_ARGUMENT", "nobody"):
        load("sql_data", {"nobody": [1]}, mode="append")
    with fails("NOT_FOUND", "elsewhere"):
        load("t", {"x": [1]}, mode="create", catalog_name="elsewhere")
    with fails("NOT_FOUND", "elsewhere"):
        load("t", {"x": [1]}, mode="create", db_schema_name="elsewhere")
    assert load("in_main", {"x": [1]}, mode="create", db_schema_name="main") == 1
    assert ask(server, "SELECT count(*) FROM sql_data") == [(5,)]


def test_ingest_a_stream_of_a_million_rows(cursor, server):
    schema = pa.schema([("id", pa.int64()), ("text", pa.string()), ("value", pa.float64())])

    def batches():
        for start in range(0, 1_000_000, 50_000):
            ids = pa.array(range(start, start + 50_000), pa.int64())
            yield pa.record_batch([ids, ids.cast(pa.string()), ids.cast(pa.float64())], schema=schema)
    assert cursor.adbc_ingest("million", pa.RecordBatchReader.from_batches(schema, batches()), mode="create") == 1_000_000
    assert ask(server, "SELECT count(*), sum(id), max(value), count(DISTINCT text) FROM million") == [
        (1_000_000, 499_999_500_000, 999_999.0, 1_000_000)]


def test_ingest_a_stream_that_breaks_off_leaves_nothing(cursor, server):
    schema = pa.schema([("x", pa.int64())])

    def batches():
        yield pa.record_batch([pa.array([1, 2])], schema=schema)
        raise ValueError("no more")
    with pytest.raises(Exception, match="no more|CANCELLED|cancel"):
        cursor.adbc_ingest("broken", pa.RecordBatchReader.from_batches(schema, batches()), mode="create")
    assert wait_until(lambda: ask(server, "SELECT count(*) FROM sqlite_schema WHERE name = 'broken'") == [(0,)])
    # Whoever comes next is not held up.
    assert cursor.adbc_ingest("broken", pa.table({"x": [3]}), mode="create") == 1


def test_ingest_into_a_temporary_table_is_its_sessions_own(cursor, server):
    assert cursor.adbc_ingest("mine", pa.table({"x": [1, 2]}), mode="create", temporary=True) == 2
    assert cursor.execute("SELECT x FROM mine ORDER BY x").fetchall() == [(1,), (2,)]
    assert cursor.adbc_ingest("mine", pa.table({"x": [3]}), mode="append", temporary=True) == 1
    assert cursor.execute("SELECT sum(x) FROM mine").fetchall() == [(6,)]
    with fails("NOT_FOUND", "no such table: mine"):
        ask(server, "SELECT * FROM mine")


# Transactions.

def test_commit_and_rollback(server):
    update(server, "CREATE TABLE t (x INTEGER)")
    with connect(server, autocommit=False) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO t VALUES (1)").fetchall()
        assert cursor.execute("SELECT * FROM t").fetchall() == [(1,)]
        assert ask(server, "SELECT * FROM t") == []
        connection.rollback()
        assert cursor.execute("SELECT * FROM t").fetchall() == []
        cursor.executemany("INSERT INTO t VALUES (?)", [(2,), (3,)])
        cursor.adbc_ingest("t", pa.table({"x": [4]}), mode="append")
        cursor.adbc_ingest("sql_data", pa.table({"id": [1]}), mode="replace")
        assert ask(server, "SELECT * FROM t") == [] and ask(server, "SELECT count(*) FROM sql_data") == [(5,)]
        connection.commit()
        assert ask(server, "SELECT * FROM t") == [(2,), (3,), (4,)] and ask(server, "SELECT count(*) FROM sql_data") == [(1,)]


def test_an_ingest_is_rolled_back(server):
    with connect(server, autocommit=False) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest("sql_data", pa.table({"id": [1]}), mode="replace")
        cursor.adbc_ingest("fresh", pa.table({"id": [1]}), mode="create")
        assert cursor.execute("SELECT count(*) FROM sql_data").fetchall() == [(1,)]
        connection.rollback()
        assert cursor.execute("SELECT count(*) FROM sql_data").fetchall() == [(5,)]
    assert ask(server, "SELECT count(*) FROM sqlite_schema WHERE name = 'fresh'") == [(0,)]


def test_ddl_is_rolled_back(server):
    with connect(server, autocommit=False) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE fleeting (x)").fetchall()
        cursor.execute("INSERT INTO fleeting VALUES (1)").fetchall()
        connection.rollback()
    with fails("NOT_FOUND", "no such table: fleeting"):
        ask(server, "SELECT * FROM fleeting")


def test_closing_rolls_back(server):
    update(server, "CREATE TABLE t (x INTEGER)")
    connection = connect(server, autocommit=False)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO t VALUES (1)").fetchall()
    connection.close()
    # Also nobody is held up: there is one writer at a time.
    update(server, "INSERT INTO t VALUES (2)")
    assert ask(server, "SELECT * FROM t") == [(2,)]


def test_autocommit_can_be_turned_off_and_on(server):
    update(server, "CREATE TABLE t (x INTEGER)")
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO t VALUES (1)").fetchall()
        connection.adbc_connection.set_autocommit(False)
        cursor.execute("INSERT INTO t VALUES (2)").fetchall()
        assert ask(server, "SELECT count(*) FROM t") == [(1,)]
        # Turning it on commits, as ADBC says.
        connection.adbc_connection.set_autocommit(True)
        assert ask(server, "SELECT count(*) FROM t") == [(2,)]


def test_transactions_do_not_see_each_other(server):
    update(server, "CREATE TABLE t (x INTEGER)", "INSERT INTO t VALUES (1)")
    with connect(server, autocommit=False) as one, connect(server, autocommit=False) as two:
        with one.cursor() as reader, two.cursor() as writer:
            assert reader.execute("SELECT sum(x) FROM t").fetchall() == [(1,)]
            writer.execute("UPDATE t SET x = 5").fetchall()
            two.commit()
            assert reader.execute("SELECT sum(x) FROM t").fetchall() == [(1,)]
            # What it has read is not the newest any more, so it cannot write: it has to begin again.
            with fails(ABORTED, "database is locked"):
                reader.execute("UPDATE t SET x = x + 1").fetchall()
            one.rollback()
            reader.execute("UPDATE t SET x = x + 1").fetchall()
            one.commit()
    assert ask(server, "SELECT x FROM t") == [(6,)]


# Metadata.

@pytest.fixture
def objects_server(programs, tmp_path):
    script = tmp_path / "init.sql"
    script.write_text(CHAIN)
    with serve_sql(programs, tmp_path, "--init", script) as server:
        yield server


def found(connection, **filters):
    """Table names, types and columns, as far down as they were asked for."""
    tables = []
    for catalog in connection.adbc_get_objects(**filters).read_all().to_pylist():
        for schema in catalog["catalog_db_schemas"] or []:
            for table in schema["db_schema_tables"] or []:
                tables.append((table["table_name"], table["table_type"], [column["column_name"] for column in table["table_columns"] or []]))
    return tables


def test_objects_at_each_depth(objects_server):
    with connect(objects_server) as connection:
        # There is one catalog, and it has no name.
        assert connection.adbc_get_objects(depth="catalogs").read_all().to_pylist() == []
        assert {schema["db_schema_name"] for catalog in connection.adbc_get_objects(depth="db_schemas").read_all().to_pylist()
                for schema in catalog["catalog_db_schemas"]} >= {"main"}
        names = [name for name, *_ in found(connection, depth="tables")]
        assert {"parent", "child", "named", "sql_data", "feather_table", 'we"ird a_b'} <= set(names)
        columns = {name: columns for name, _, columns in found(connection, depth="all")}
        assert columns["parent"] == ["id", "name", "price"] and columns["named"] == ["name"]
        assert columns["sql_data"] == ["id", "age", "city", "is_active", "name", "metadata"]


@pytest.mark.parametrize("filters, expected", [
    ({"table_name_filter": "parent"}, ["parent"]),
    ({"table_name_filter": "%child%"}, ["child"]),
    ({"table_name_filter": 'we"ird a_b'}, ['we"ird a_b', 'we"ird axb']),
    ({"table_name_filter": 'we"ird a\\_b'}, ['we"ird a_b']),
    ({"table_name_filter": "'; DROP TABLE parent; --"}, []),
    ({"table_types_filter": ["VIEW"]}, ["feather_table", "named"]),
    ({"table_types_filter": ["TABLE"], "table_name_filter": "%d"}, ["child"]),
    ({"db_schema_filter": "ma%", "table_name_filter": "parent"}, ["parent"]),
    ({"db_schema_filter": "elsewhere"}, []),
    ({"catalog_filter": "elsewhere"}, []),
])
def test_objects_with_filters(objects_server, filters, expected):
    with connect(objects_server) as connection:
        assert sorted(name for name, *_ in found(connection, depth="tables", **filters)) == sorted(expected)


def test_a_column_filter(objects_server):
    with connect(objects_server) as connection:
        columns = {name: columns for name, _, columns in found(connection, depth="all", column_name_filter="n%")}
        assert columns["parent"] == ["name"] and columns["sql_data"] == ["name"]


def test_table_schema(objects_server):
    with connect(objects_server) as connection:
        schema = connection.adbc_get_table_schema("parent")
        assert schema.types == [pa.int64(), pa.string(), pa.decimal128(10, 2)]
        assert schema.field("id").nullable is False or schema.field("name").nullable is False
        assert not schema.field("name").nullable and schema.field("price").nullable
        metadata = schema.field("price").metadata
        assert metadata[b"ARROW:FLIGHT:SQL:PRECISION"] == b"10" and metadata[b"ARROW:FLIGHT:SQL:SCALE"] == b"2"
        assert schema.field("id").metadata[b"ARROW:FLIGHT:SQL:IS_AUTO_INCREMENT"] == b"1"
        assert connection.adbc_get_table_schema('we"ird a_b').names == ["x"]
        with fails("NOT_FOUND", "."):
            connection.adbc_get_table_schema("nobody")


def test_constraints(objects_server):
    """Keys come by commands that the driver does not send for get_objects; see test_sql_flight.py."""
    with connect(objects_server) as connection:
        [table] = [table for catalog in connection.adbc_get_objects(depth="all", table_name_filter="child").read_all().to_pylist()
                   for schema in catalog["catalog_db_schemas"] for table in schema["db_schema_tables"]]
        assert [column["ordinal_position"] for column in table["table_columns"]] == [1, 2, 3]


def test_info_and_table_types(connection):
    info = connection.adbc_get_info()
    assert info["vendor_name"] == "Fletch" and info["vendor_version"]
    assert info["driver_name"].startswith("ADBC Flight SQL Driver")
    assert {"TABLE", "VIEW"} <= set(connection.adbc_get_table_types())


def test_statistics_are_not_claimed(server):
    with connect(server) as connection:
        if hasattr(connection, "adbc_get_statistics"):
            with pytest.raises(adbc_driver_manager.NotSupportedError):
                connection.adbc_get_statistics().read_all()


# Partitions.

def test_partitions_are_read_by_others(cursor, server):
    partitions, schema = cursor.adbc_execute_partitions("SELECT id, name FROM sql_data")
    assert schema.names == ["id", "name"] and len(partitions) >= 1
    rows = []
    with connect(server) as other, other.cursor() as reader:
        for partition in partitions:
            reader.adbc_read_partition(partition)
            rows += reader.fetchall()
    assert sorted(rows) == [(i, name) for i, (name,) in enumerate(NAMES, 1)]


# Cancelling.

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT {} FROM n"


def test_cancel_from_another_thread_while_rows_come(connection):
    with connection.cursor() as cursor:
        cursor.execute(ENDLESS.format("x"))
        assert cursor.fetchone() == (1,)
        threading.Timer(0.3, cursor.adbc_cancel).start()
        started = time.monotonic()
        with fails("CANCELLED", "."):
            while True:
                cursor.fetchmany(1000)
        assert time.monotonic() - started < 20
    with connection.cursor() as cursor:
        assert cursor.execute("SELECT 1").fetchall() == [(1,)]


def test_cancel_from_another_thread_before_the_first_row(connection):
    with connection.cursor() as cursor:
        threading.Timer(0.5, cursor.adbc_cancel).start()
        with fails("CANCELLED", "."):
            cursor.execute(ENDLESS.format("count(*)"))
            cursor.fetchall()


def test_time_out(server):
    with adbc_driver_flightsql.connect(server.uri, db_kwargs={"adbc.flight.sql.rpc.timeout_seconds.query": "0.5",
                                                            "adbc.flight.sql.rpc.timeout_seconds.fetch": "0.5"}) as database:
        with adbc_driver_manager.AdbcConnection(database) as connection, adbc_driver_manager.AdbcStatement(connection) as statement:
            statement.set_sql_query(ENDLESS.format("count(*)"))
            # pyarrow reads the stream, and has no word of ADBC's for how it ended.
            with pytest.raises((adbc_driver_manager.Error, OSError), match="DeadlineExceeded"):
                stream, _ = statement.execute_query()
                pa.RecordBatchReader._import_from_c(stream.address).read_all()


# Errors.

@pytest.mark.parametrize("sql, code, message", [
    ("SELEKT 1", "INVALID_ARGUMENT", 'near "SELEKT": syntax error'),
    ("SELECT * FROM nowhere", "NOT_FOUND", "no such table: nowhere"),
    ("SELECT missing FROM sql_data", "NOT_FOUND", "no such column: missing"),
    ("SELECT nofunction(1)", "NOT_FOUND", "no such function: nofunction"),
    ("-- nothing", "INVALID_ARGUMENT", "no statement"),
    ("SELECT 1; SELECT 2", "INVALID_ARGUMENT", "more than one statement"),
    ("SELECT abs(-9223372036854775808)", "INVALID_ARGUMENT", "integer overflow"),
    ("ATTACH '/tmp/x' AS x", "UNAUTHORIZED", "."),
    ("SELECT load_extension('x')", "UNAUTHORIZED", "."),
    ("CREATE TABLE sql_data (x)", "ALREADY_EXISTS", "sql_data"),
    ("COMMIT", FAILED_PRECONDITION, "no transaction is active"),
])
def test_errors_have_a_status_and_sqlites_message(cursor, sql, code, message):
    with fails(code, message):
        cursor.execute(sql)
        cursor.fetchall()


def test_a_trailing_semicolon_is_no_error(cursor):
    assert cursor.execute("SELECT 1;  -- done").fetchall() == [(1,)]


def test_an_error_in_mid_stream_is_no_end(cursor):
    cursor.execute("WITH RECURSIVE n(x) AS (SELECT -9223372036854775807 + 300000 UNION ALL SELECT x - 1 FROM n) SELECT abs(x) AS y FROM n")
    with fails("INVALID_ARGUMENT", "integer overflow"):
        cursor.fetchall()


def test_read_only(programs, tmp_path):
    with serve_sql(programs, tmp_path, "--read-only") as server:
        assert len(ask(server, "SELECT * FROM feather_table")) == 5
        for sql in ("CREATE TABLE t (x)", "DELETE FROM sql_data", "INSERT INTO sql_data (id) VALUES (1)"):
            with fails(FAILED_PRECONDITION, "readonly database"):
                ask(server, sql)
        with connect(server) as connection, connection.cursor() as cursor, fails(FAILED_PRECONDITION, "readonly database"):
            cursor.adbc_ingest("t", pa.table({"x": [1]}), mode="create")


def test_decimals_and_times_come_out_as_they_went_in(cursor):
    table = pa.table({
        "d": pa.array([decimal.Decimal("12.34"), None], pa.decimal128(12, 2)), "u": pa.array([1 << 63, None], pa.uint64()),
        "t": pa.array([datetime.datetime(2024, 1, 2, 3, 4, 5, 678_901), None], pa.timestamp("us", "UTC")),
        "f": pa.array([0.5, None], pa.float32()), "l": pa.array([[1, None], None], pa.list_(pa.int16()))})
    cursor.adbc_ingest("typed", table, mode="create")
    assert cursor.execute("SELECT * FROM typed").fetch_arrow_table().cast(table.schema).equals(table)


def test_thousands_of_statements_leave_nothing_behind(server):
    with connect(server) as connection, connection.cursor() as cursor:
        def some(count):
            for i in range(count):
                cursor.execute("SELECT ? + id FROM sql_data", (i,)).fetchall()
        some(300)
        before, descriptors = server.own_kib(), server.descriptors()
        some(1500)
        assert server.descriptors() <= descriptors + 2
        # A result can be got again for a while, so each leaves a little.
        assert server.own_kib() - before < 24 << 10, "resident memory grew"
