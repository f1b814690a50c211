"""What is logged of statements: who asked, which way they took, how long, and when they were stopped."""
import json

import pyarrow as pa
import pytest
from pyarrow import flight

from servers import wait_until
from sqlserver import ask, connect, run_update, serve_sql

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) AS c FROM n"


def records(server, event="statement"):
    found = [json.loads(line) for line in server.log.read_text().splitlines() if line.startswith("{")]
    return [record for record in found if record.get("event") == event]


def logged(server, sql, event="statement"):
    assert wait_until(lambda: any(record["sql"] == sql for record in records(server, event))), server.log.read_text()
    return [record for record in records(server, event) if record["sql"] == sql]


def test_every_statement(programs, tmp_path):
    with serve_sql(programs, tmp_path, "--log-statements", "--token", "sesame") as server, flight.connect(server.uri) as client:
        options = flight.FlightCallOptions(headers=[(b"authorization", b"Bearer sesame")])
        def get(sql):
            return client.do_get(flight.Ticket(sql.encode()), options).read_all()
        get("SELECT sum(age) AS s FROM sql_data")
        [record] = logged(server, "SELECT sum(age) AS s FROM sql_data")
        assert record["way"] == "columns" and record["rows"] == 1 and record["outcome"] == "ok" and record["user"] == "token"
        assert record["peer"].startswith("127.0.0.1:") and record["ms"] >= 0 and "stopping_ms" not in record
        get("SELECT rowid AS number FROM sql_data")
        assert [record["way"] for record in logged(server, "SELECT rowid AS number FROM sql_data")] == ["sqlite"]
        # A sum beyond 64 bits is SQLite's to say something of, once columns have found out.
        run_update(client, "CREATE TABLE big (x INTEGER)", options=options)
        overflowing = "SELECT sum(id * 4000000000000000000) AS s FROM sql_data"
        with pytest.raises(pa.ArrowException):
            get(overflowing)
        [record] = logged(server, overflowing)
        assert record["way"] in ("columns, then sqlite", "sqlite") and record["outcome"] != "ok"
        run_update(client, "INSERT INTO big VALUES (1), (2)", options=options)
        [record] = logged(server, "INSERT INTO big VALUES (1), (2)")
        assert (record["way"], record["rows"]) == ("sqlite", 2)
        with pytest.raises(flight.FlightTimedOutError):
            client.do_get(flight.Ticket(ENDLESS.encode()), flight.FlightCallOptions(timeout=0.3, headers=[(b"authorization", b"Bearer sesame")])).read_all()
        [record] = logged(server, ENDLESS)
        assert record["outcome"] == "deadlineExceeded" and 0 <= record["stopping_ms"] < 10_000


def test_slow_statements_only(programs, tmp_path):
    slow = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 600000) SELECT count(*) AS c FROM n"
    sorting = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 600000) SELECT -x AS y FROM n ORDER BY y LIMIT 1"
    with serve_sql(programs, tmp_path, "--slow-query", "50ms") as server:
        assert ask(server, slow) == [(600_000,)]
        [record] = logged(server, slow, "slow-query")
        assert record["way"] == "sqlite" and record["ms"] >= 50 and record["user"] == "" and record["peer"].startswith("127.0.0.1:")
        assert ask(server, "SELECT 1") == [(1,)]
        # The types of this one are known by its rows only: preparing it takes the time.
        assert ask(server, sorting) == [(-600_000,)]
        logged(server, sorting, "slow-query")
        assert not [record for record in records(server, "slow-query") if record["sql"] == "SELECT 1"] and not records(server)


def test_a_load_and_its_text(programs, tmp_path):
    with serve_sql(programs, tmp_path, "--log-statements", "--log", "text", quiet=False) as server:
        with connect(server) as connection, connection.cursor() as cursor:
            cursor.adbc_ingest("pets", pa.table({"name": ["Ann", "Bob"]}), mode="create")
        assert wait_until(lambda: 'INGEST INTO pets"' in server.log.read_text())
        [line] = [line for line in server.log.read_text().splitlines() if "INGEST" in line]
        assert " statement: " in line and " ms, 2 rows, ok, from 127.0.0.1:" in line
