"""TPC-H's 22 queries, on generated data: on columns, in SQLite and in DuckDB the same answers. FLETCH_TPCH_SCALE makes it more data."""
import decimal
import math
import os
import pathlib
import sys

import adbc_driver_flightsql.dbapi as dbapi
import duckdb
import pyarrow as pa
import pytest

from servers import serve

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts" / "lib"))
import tpch_data  # noqa: E402

SCALE = float(os.environ.get("FLETCH_TPCH_SCALE", "0.1"))
QUERIES = tpch_data.queries()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return tpch_data.generate(tmp_path_factory.mktemp("tpch"), SCALE)


@pytest.fixture(scope="module")
def server(programs, files, tmp_path_factory):
    with serve(programs, tmp_path_factory.mktemp("serve"), *files.values()) as server:
        yield server


@pytest.fixture(scope="module")
def ways(server):
    """A connection for each way that a query can take."""
    connections = {}
    for way in ("columns", "sqlite"):
        connections[way] = dbapi.connect(server.uri, autocommit=True)
        connections[way].adbc_connection.set_options(**{"adbc.flight.sql.session.option.fletch_engine": way})
    yield connections
    for connection in connections.values():
        connection.close()


@pytest.fixture(scope="module")
def duck(files):
    database = duckdb.connect()
    for table, path in files.items():
        database.register("source", pa.ipc.open_file(pa.memory_map(str(path))).read_all())
        database.execute(f"CREATE TABLE {table} AS SELECT * FROM source")
        database.unregister("source")
    yield database
    database.close()


def read(connection, sql):
    with connection.cursor() as cursor:
        return cursor.execute(sql).fetch_arrow_table()


def rows(table):
    """Rows with numbers as reals and times as text: what does not depend on whose types they have."""
    def value(x):
        if isinstance(x, decimal.Decimal):
            return float(x)
        return x if x is None or isinstance(x, (int, float)) else str(x)
    return [[value(x) for x in row.values()] for row in table.to_pylist()]


def differences(expected, found, tolerance):
    def same(a, b):
        if isinstance(a, (int, float)) and isinstance(b, (int, float)):
            return math.isclose(a, b, rel_tol=tolerance)
        return a == b
    if len(expected) != len(found):
        return [f"{len(expected)} rows, {len(found)} rows"]
    return [f"row {i}: {a}, {b}" for i, (a, b) in enumerate(zip(expected, found)) if not all(map(same, a, b))]


def test_all_are_there():
    assert list(QUERIES) == [f"q{number:02}" for number in range(1, 23)]


@pytest.mark.parametrize("name", QUERIES)
def test_query(ways, duck, name):
    # The setting `columns` refuses what would not run there: all 22 do.
    columns = read(ways["columns"], QUERIES[name])
    sqlite = read(ways["sqlite"], QUERIES[name])
    assert columns.schema == sqlite.schema
    assert columns.num_rows > 0
    # Sums of reals differ by the order in which they are added, and DuckDB's are decimals.
    assert not differences(rows(sqlite), rows(columns), 1e-11)
    assert not differences(rows(duck.sql(QUERIES[name]).to_arrow_table()), rows(columns), 1e-9)
