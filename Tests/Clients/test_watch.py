"""Folders that are watched, the limits of statements and their log, seen by the drivers."""
import json
import os

import adbc_driver_flightsql.dbapi as dbapi
import pyarrow as pa
import pyarrow.feather as feather
import pytest
from pyarrow import flight

from servers import serve, wait_until


def table(start, rows=10):
    return pa.table({"id": pa.array(range(start, start + rows), pa.int64()), "text": [f"row {start}"] * rows})


def put(path, content):
    """As careful writers do: beside, then renamed into place."""
    beside = path.with_name(f".{path.name}.new")
    feather.write_feather(content, str(beside), compression="uncompressed")
    os.rename(beside, path)


@pytest.fixture
def served(programs, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    put(folder / "first.feather", table(0))
    with serve(programs, tmp_path, folder) as server, dbapi.connect(server.uri, autocommit=True) as connection:
        def ask(sql):
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall()

        def becomes(sql, value):
            def is_there():
                try:
                    return ask(sql) == [(value,)]
                except dbapi.Error:
                    return value is None
            return wait_until(is_there, 20)
        server.folder, server.ask, server.becomes = folder, ask, becomes
        yield server


def test_files_come_change_and_go(served):
    put(served.folder / "second.feather", table(5))
    assert served.becomes("SELECT min(id) FROM second", 5)
    put(served.folder / "second.feather", table(50, rows=3))
    assert served.becomes("SELECT min(id) FROM second", 50)
    assert served.ask("SELECT count(*) FROM second WHERE id = 51") == [(1,)]
    # An index of the old file must not answer for the new one.
    put(served.folder / "second.feather", table(49, rows=3))
    assert served.becomes("SELECT min(id) FROM second", 49)
    assert served.ask("SELECT id FROM second WHERE id = 51") == [(51,)]
    os.remove(served.folder / "second.feather")
    assert served.becomes("SELECT min(id) FROM second", None)
    assert served.ask("SELECT count(*) FROM first") == [(10,)]


def test_folders_are_tables_of_their_files(served):
    (served.folder / "parts").mkdir()
    put(served.folder / "parts" / "a.feather", table(0))
    assert served.becomes("SELECT count(*) FROM parts", 10)
    put(served.folder / "parts" / "b.feather", table(10))
    assert served.becomes("SELECT count(*) FROM parts", 20)
    os.remove(served.folder / "parts" / "a.feather")
    assert served.becomes("SELECT min(id) FROM parts", 10)


def test_a_file_is_taken_when_it_is_complete(served):
    content = served.folder.parent / "whole.feather"
    feather.write_feather(table(7), str(content), compression="uncompressed")
    data = content.read_bytes()
    with open(served.folder / "slow.feather", "wb") as file:
        file.write(data[:100])
        file.flush()
        put(served.folder / "marker.feather", table(1))
        assert served.becomes("SELECT min(id) FROM marker", 1)
        with pytest.raises(dbapi.Error):
            served.ask("SELECT * FROM slow")
        # Complete by its bytes, but still open.
        file.write(data[100:])
        file.flush()
        put(served.folder / "marker.feather", table(2))
        assert served.becomes("SELECT min(id) FROM marker", 2)
        with pytest.raises(dbapi.Error):
            served.ask("SELECT * FROM slow")
    assert served.becomes("SELECT min(id) FROM slow", 7)


def test_a_damaged_file_leaves_its_table(served):
    (served.folder / ".bad").write_bytes(b"no Arrow file")
    os.rename(served.folder / ".bad", served.folder / "first.feather")
    assert wait_until(lambda: "stays as it was" in served.log.read_text(), 20)
    assert served.ask("SELECT count(*), min(id) FROM first") == [(10, 0)]


def test_a_reader_keeps_its_rows(served):
    rows = 2_000_000
    put(served.folder / "large.feather", table(0, rows))
    assert served.becomes("SELECT count(*) FROM large", rows)
    client = flight.connect(served.uri)
    for descriptor in (flight.FlightDescriptor.for_command(b"SELECT id, text FROM large"),
                       flight.FlightDescriptor.for_path("large")):
        put(served.folder / "large.feather", table(0, rows))
        assert served.becomes("SELECT min(id) FROM large", 0)
        endpoint = client.get_flight_info(descriptor).endpoints[0]
        reader = client.do_get(endpoint.ticket)
        first = reader.read_chunk().data
        put(served.folder / "large.feather", table(-5, 1))
        assert served.becomes("SELECT min(id) FROM large", -5)
        rest = reader.read_all()
        assert first.num_rows + rest.num_rows == rows
        assert rest["id"][-1].as_py() == rows - 1 and rest["text"][-1].as_py() == "row 0"


def test_a_table_of_a_statement_is_not_replaced(served):
    served.ask("CREATE TABLE mine (a INTEGER)")
    put(served.folder / "mine.feather", table(0))
    assert wait_until(lambda: "was made by a statement" in served.log.read_text(), 20)
    assert served.ask("SELECT count(*) FROM mine") == [(0,)]


def test_without_a_watch(programs, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    put(folder / "first.feather", table(0))
    with serve(programs, tmp_path, folder, "--no-watch") as server:
        put(folder / "second.feather", table(0))
        assert len(list(flight.connect(server.uri).list_flights())) == 1


def test_limits_of_statements_and_their_log(programs, tmp_path):
    words = ["--timeout", "300ms", "--max-result-rows", "1000", "--slow-query", "200ms", "--log", "text"]
    with serve(programs, tmp_path, *words, quiet=False) as server, dbapi.connect(server.uri, autocommit=True) as connection:
        def ask(sql):
            with connection.cursor() as cursor:
                cursor.execute(sql)
                return cursor.fetchall()
        numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n{}) SELECT {} FROM n"
        with pytest.raises(dbapi.Error, match="(?i)deadline|longer"):
            ask(numbers.format("", "sum(i)"))
        with pytest.raises(dbapi.Error, match="more than 1000 rows"):
            ask(numbers.format(" LIMIT 2000", "i"))
        assert len(ask(numbers.format(" LIMIT 1000", "i"))) == 1000
        assert wait_until(lambda: "slow query" in server.log.read_text())
        line = next(line for line in server.log.read_text().splitlines() if "slow query" in line)
        assert "WITH RECURSIVE" in line and "sum(i)" in line
        assert any(" OK " in line and "DoGet" in line for line in server.log.read_text().splitlines())


def test_slow_statements_as_json(programs, tmp_path):
    with serve(programs, tmp_path, "--slow-query", "1ms") as server, dbapi.connect(server.uri, autocommit=True) as connection:
        with connection.cursor() as cursor:
            cursor.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000) SELECT sum(i) FROM n")
            cursor.fetchall()
        assert wait_until(lambda: '"slow-query"' in server.log.read_text())
        line = next(line for line in server.log.read_text().splitlines() if "slow-query" in line)
        record = json.loads(line)
        assert record["sql"].startswith("WITH RECURSIVE") and record["ms"] >= 1 and record["outcome"] == "ok"
