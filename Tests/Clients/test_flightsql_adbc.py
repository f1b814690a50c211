"""The ADBC Flight SQL driver (the Go one) against the fake Flight SQL server: what the floor promises to drivers."""
import threading
import time

import adbc_driver_flightsql
import adbc_driver_flightsql.dbapi as dbapi
import adbc_driver_manager
import pyarrow as pa
import pytest
from pyarrow import flight

from fake import serve_fake

PEOPLE = [(1, "Ada"), (2, None), (3, "Grace")]


@pytest.fixture
def uri(programs):
    with serve_fake(programs) as uri:
        yield uri


@pytest.fixture
def connection(uri):
    with dbapi.connect(uri, autocommit=True) as connection:
        yield connection


@pytest.fixture
def cursor(connection):
    with connection.cursor() as cursor:
        yield cursor


def calls(uri):
    """What the server was asked for since the last time."""
    with flight.connect(uri) as client:
        return [result.body.to_pybytes().decode() for result in client.do_action("Calls")]


def query(uri, sql="SELECT * FROM people"):
    with dbapi.connect(uri, autocommit=True) as connection, connection.cursor() as cursor:
        return cursor.execute(sql).fetchall()


def test_a_query(cursor):
    cursor.execute("SELECT * FROM people")
    assert [(name, kind) for name, kind, *_ in cursor.description] == [("id", pa.int64()), ("name", pa.string())]
    assert cursor.fetchall() == PEOPLE
    assert cursor.execute("SELECT * FROM empty").fetch_arrow_table().num_rows == 0
    # Three endpoints, together in their order.
    assert cursor.execute("PARTS 3").fetchall() == [(0, "part"), (1, "part"), (2, "part")]


def test_partitions(cursor):
    partitions, schema = cursor.adbc_execute_partitions("PARTS 4")
    assert len(partitions) == 4 and schema.names == ["id", "name"]
    rows = []
    for partition in partitions:
        cursor.adbc_read_partition(partition)
        rows += cursor.fetchall()
    assert rows == [(i, "part") for i in range(4)]


def test_polling(uri):
    """Incremental execution: the driver polls until the query is complete."""
    with adbc_driver_flightsql.connect(uri) as database, adbc_driver_manager.AdbcConnection(database) as connection:
        with adbc_driver_manager.AdbcStatement(connection) as statement:
            statement.set_options(**{adbc_driver_manager.StatementOptions.INCREMENTAL.value: "true"})
            statement.set_sql_query("POLL 3")
            # It polls until there is something to get, then says that this was all.
            [partition], _schema, _count = statement.execute_partitions()
            assert statement.get_option_float(adbc_driver_manager.StatementOptions.PROGRESS.value) == 1.0
            assert statement.execute_partitions()[0] == []
            handle = connection.read_partition(partition)
            assert pa.RecordBatchReader._import_from_c(handle.address).read_all().num_rows == len(PEOPLE)


def test_the_schema_alone(cursor, uri):
    calls(uri)
    schema = cursor.adbc_execute_schema("SELECT * FROM people")
    assert schema.equals(pa.schema([("id", pa.int64()), ("name", pa.string())]))
    assert not any(call.startswith("execute") for call in calls(uri))


def test_writing_on_the_query_path_happens_once(connection, cursor, uri):
    calls(uri)
    cursor.execute("INSERT INTO people VALUES (4, 'Kay')")
    cursor.fetchall()
    assert query(uri) == PEOPLE + [(4, "Kay")]
    cursor.adbc_statement.set_sql_query("DELETE FROM people")
    assert cursor.adbc_statement.execute_update() == 4
    assert [call for call in calls(uri) if call == "update"] == ["update"]


def test_parameters(cursor, uri):
    calls(uri)
    assert cursor.adbc_prepare("SELECT * FROM people WHERE id = ?").types == [pa.int64()]
    cursor.execute("SELECT * FROM people WHERE id = ?", (3,))
    assert cursor.fetchall() == [(3, "Grace")]
    # A batch of parameters: all results.
    cursor.execute("SELECT * FROM people WHERE id = ?", pa.record_batch([pa.array([3, 1, 7])], names=["a"]))
    assert cursor.fetchall() == [(3, "Grace"), (1, "Ada")]
    cursor.executemany("INSERT INTO people VALUES (?, ?)", [(10, "x"), (11, None)])
    assert cursor.rowcount == 2
    assert query(uri) == PEOPLE + [(10, "x"), (11, None)]
    seen = calls(uri)
    assert "bind 1 rows" in seen and "bind 3 rows" in seen and "update prepared, 2 rows bound" in seen


def test_a_prepared_update_without_parameters_runs_once(uri):
    with adbc_driver_flightsql.connect(uri) as database, adbc_driver_manager.AdbcConnection(database) as connection:
        with adbc_driver_manager.AdbcStatement(connection) as statement:
            statement.set_sql_query("INSERT INTO people VALUES (5, 'Joan')")
            statement.prepare()
            assert statement.execute_update() == 1
    assert "update prepared, nothing bound" in calls(uri)
    assert query(uri) == PEOPLE + [(5, "Joan")]


def test_prepared_statements_are_closed(uri):
    with dbapi.connect(uri, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM people WHERE id = ?", (1,))
        cursor.fetchall()
    seen = calls(uri)
    assert seen.count("prepare") == seen.count("close") > 0


@pytest.mark.parametrize("mode, exists, result", [
    ("create", False, 2), ("create", True, "ALREADY_EXISTS"), ("append", False, "NOT_FOUND"), ("append", True, 5),
    ("replace", False, 2), ("replace", True, 2), ("create_append", False, 2), ("create_append", True, 5)])
def test_ingest(cursor, uri, mode, exists, result):
    rows = pa.table({"id": pa.array([7, 8]), "name": ["a", None]})
    table = "people" if exists else "newcomers"
    if isinstance(result, str):
        with pytest.raises(adbc_driver_manager.Error, match=table) as caught:
            cursor.adbc_ingest(table, rows, mode=mode)
        assert caught.value.status_code.name == result
        return
    assert cursor.adbc_ingest(table, rows, mode=mode) == 2
    assert len(query(uri, f"SELECT * FROM {table}")) == result


def test_ingest_options(cursor, uri):
    calls(uri)
    batches = pa.RecordBatchReader.from_batches(
        pa.schema([("x", pa.int32())]), [pa.record_batch([pa.array([i] * 1000, pa.int32())], names=["x"]) for i in range(50)])
    assert cursor.adbc_ingest("numbers", batches, mode="create", temporary=True) == 50_000
    assert [call for call in calls(uri) if call.startswith("ingest")] == ["ingest create fail []"]
    with pytest.raises(adbc_driver_manager.Error, match="no such catalog: elsewhere"):
        cursor.adbc_ingest("t", pa.table({"x": [1]}), mode="create", catalog_name="elsewhere")


def test_transactions(uri):
    with dbapi.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO people VALUES (4, 'Kay')").fetchall()
        assert query(uri) == PEOPLE + [(4, "Kay")]
        connection.rollback()
        assert query(uri) == PEOPLE
        cursor.adbc_ingest("people", pa.table({"id": [6], "name": ["Lea"]}), mode="append")
        cursor.executemany("INSERT INTO people VALUES (?, ?)", [(5, "Joan")])
        connection.commit()
        cursor.execute("DELETE FROM people").fetchall()
    # Closing rolls back what was not committed: the driver only ends its session, and the server does the rest.
    assert query(uri) == PEOPLE + [(6, "Lea"), (5, "Joan")]
    seen = calls(uri)
    assert (seen.count("begin"), seen.count("commit"), seen.count("rollback")) == (3, 1, 1)
    assert seen.count("close session") >= 1


def test_errors_keep_code_and_message(cursor):
    for code, kind in [(3, "INVALID_ARGUMENT"), (5, "NOT_FOUND"), (6, "ALREADY_EXISTS"), (7, "UNAUTHORIZED"), (12, "NOT_IMPLEMENTED")]:
        with pytest.raises(adbc_driver_manager.Error, match=f"told so {code}") as caught:
            cursor.execute(f"FAIL {code} told so {code}")
        assert caught.value.status_code.name == kind
    with pytest.raises(adbc_driver_manager.Error, match="syntax error"):
        cursor.execute("SELEKT 1")


def test_an_error_in_mid_stream_is_no_end(cursor):
    with pytest.raises((adbc_driver_manager.Error, pa.ArrowException, OSError), match="row 2 of column 'name' is bad"):
        cursor.execute("FAIL LATE").fetchall()


def test_cancel_from_another_thread(cursor, uri):
    calls(uri)
    reader = cursor.execute("SLEEP").fetch_record_batch()
    assert reader.read_next_batch().num_rows == 1
    timer = threading.Timer(0.2, cursor.adbc_cancel)
    timer.start()
    with pytest.raises((adbc_driver_manager.Error, pa.ArrowException, OSError), match="(?i)cancel"):
        while True:
            reader.read_next_batch()
    timer.join()
    end = time.monotonic() + 10
    seen = []
    while "sleep ended" not in seen and time.monotonic() < end:
        seen += calls(uri)
        time.sleep(0.02)
    assert "sleep ended" in seen


def test_info_and_table_types(connection):
    info = connection.adbc_get_info()
    assert (info["vendor_name"], info["vendor_version"], info["vendor_arrow_version"]) == ("fake", "1.2.3", "1.3")
    assert connection.adbc_get_table_types() == ["TABLE", "TEMPORARY", "VIEW"]


def test_table_schemas(connection):
    schema = connection.adbc_get_table_schema("people")
    assert schema.names == ["id", "name"] and not schema.field("id").nullable and schema.field("name").nullable
    assert schema.field("id").metadata[b"ARROW:FLIGHT:SQL:TYPE_NAME"] == b"INTEGER"
    # Underscores in a name are not taken for a pattern's, and nothing else comes for them.
    assert connection.adbc_get_table_schema("a_b").names == ["x"]
    assert connection.adbc_get_table_schema("axb").names == ["y"]
    assert connection.adbc_get_table_schema("people", catalog_filter="main", db_schema_filter="public") == schema
    with pytest.raises(adbc_driver_manager.Error):
        connection.adbc_get_table_schema("nobody")


def objects(connection, **filters):
    """Catalog, schema, table, type and columns, as far down as they were asked for."""
    found = []
    for catalog in connection.adbc_get_objects(**filters).read_all().to_pylist():
        found.append((catalog["catalog_name"],))
        for schema in catalog["catalog_db_schemas"] or []:
            found.append((catalog["catalog_name"], schema["db_schema_name"]))
            for table in schema["db_schema_tables"] or []:
                columns = [column["column_name"] for column in table["table_columns"] or []]
                found.append((catalog["catalog_name"], schema["db_schema_name"], table["table_name"], table["table_type"], *columns))
    return found


def test_objects(connection):
    catalogs = [("attached",), ("main",)]
    assert objects(connection, depth="catalogs") == catalogs
    assert objects(connection, depth="db_schemas") == catalogs + [("main", "private"), ("main", "public")]
    tables = [row for row in objects(connection, depth="tables") if len(row) > 2]
    assert [row[2] for row in tables] == ["secrets", "a_b", "axb", "empty", "people"]
    columns = {row[2]: row[4:] for row in objects(connection, depth="all") if len(row) > 2}
    assert columns == {"secrets": ("id", "name"), "a_b": ("x",), "axb": ("y",), "empty": ("id", "name"), "people": ("id", "name")}


@pytest.mark.parametrize("filters, expected", [
    ({"catalog_filter": "main"}, ["secrets", "a_b", "axb", "empty", "people"]),
    ({"catalog_filter": "attached"}, []),
    ({"catalog_filter": "m%"}, ["secrets", "a_b", "axb", "empty", "people"]),
    ({"db_schema_filter": "pub%"}, ["a_b", "axb", "empty", "people"]),
    ({"db_schema_filter": "p_ivate"}, ["secrets"]),
    ({"table_name_filter": "a_b"}, ["a_b", "axb"]),
    ({"table_name_filter": r"a\_b"}, ["a_b"]),
    ({"table_name_filter": "%e%"}, ["secrets", "empty", "people"]),
    ({"table_types_filter": ["VIEW"]}, ["secrets"]),
    ({"table_types_filter": ["TABLE", "VIEW"], "table_name_filter": "%p%"}, ["empty", "people"]),
    ({"table_name_filter": "'; DROP TABLE people; --"}, []),
])
def test_objects_with_filters(connection, filters, expected):
    assert [row[2] for row in objects(connection, depth="tables", **filters) if len(row) > 2] == expected


def test_columns_with_a_filter(connection):
    rows = [row for row in objects(connection, depth="all", column_name_filter="n%") if len(row) > 2]
    assert {row[2]: row[4:] for row in rows}["people"] == ("name",)


def test_session_options_and_cookies(uri):
    options = adbc_driver_flightsql.ConnectionOptions
    cookies = {adbc_driver_flightsql.DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value: "true"}
    with adbc_driver_flightsql.connect(uri, db_kwargs=cookies) as database:
        with adbc_driver_manager.AdbcConnection(database) as connection:
            prefix = options.OPTION_SESSION_OPTION_PREFIX.value
            connection.set_options(**{prefix + "color": "blue", options.OPTION_BOOL_SESSION_OPTION_PREFIX.value + "on": "true"})
            connection.set_options(**{options.OPTION_STRING_LIST_SESSION_OPTION_PREFIX.value + "list": '["a", "b"]'})
            assert connection.get_option(prefix + "color") == "blue"
            assert connection.get_option(options.OPTION_BOOL_SESSION_OPTION_PREFIX.value + "on") == "true"
            assert connection.get_option(options.OPTION_STRING_LIST_SESSION_OPTION_PREFIX.value + "list") == '["a","b"]'
            connection.set_options(**{options.OPTION_ERASE_SESSION_OPTION_PREFIX.value + "color": ""})
            with pytest.raises(adbc_driver_manager.Error):
                connection.get_option(prefix + "color")
            with pytest.raises(adbc_driver_manager.Error):
                connection.set_options(**{prefix + "no-such": "x"})
    assert "cookie arrow_flight_session_id=fake" in calls(uri)
