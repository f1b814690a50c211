"""What people already use, against `fletch serve`: pandas, Polars, DuckDB, flightsql-dbapi, the SQL programs of the Flight Examples."""
import pathlib
import subprocess
import sys

import duckdb
import pandas
import polars
import pyarrow as pa
import pytest
from flightsql import FlightSQLClient, TableRef
from flightsql import connect as dbapi_connect

from sqlserver import connect, serve_sql, update

EXAMPLES = pathlib.Path(__file__).parent / "examples"
ADULTS = "SELECT name, age FROM sql_data WHERE age > 18 ORDER BY age DESC, name"


@pytest.fixture(scope="module")
def server(programs, tmp_path_factory):
    with serve_sql(programs, tmp_path_factory.mktemp("tools"), listen=("localhost:0", "localhost:0")) as server:
        yield server


def test_pandas(server):
    with connect(server) as connection:
        frame = pandas.read_sql(ADULTS, connection)
        assert frame["name"].tolist() == ["Charlie", "Alice", "Daniel"] and frame["age"].dtype.kind == "i"
        # pandas passes no parameters on to ADBC drivers.
        frame = pandas.read_sql("SELECT * FROM sql_data WHERE city = 'New York'", connection, dtype_backend="pyarrow")
        assert len(frame) == 3
        assert pandas.DataFrame({"x": [1, 2], "t": ["a", None]}).to_sql("from_pandas", connection, index=False) == 2
        assert pandas.read_sql("SELECT * FROM from_pandas", connection)["x"].tolist() == [1, 2]
        assert pandas.read_sql_table("from_pandas", connection)["x"].tolist() == [1, 2]


def test_polars(server):
    with connect(server) as connection:
        frame = polars.read_database(ADULTS, connection)
        assert frame.rows() == [("Charlie", 30), ("Alice", 25), ("Daniel", 22)]
        assert polars.read_database("SELECT metadata FROM sql_data WHERE id = 1", connection).to_dicts() == [{"metadata": {"dept": "Engineering"}}]
        batches = list(polars.read_database("SELECT id FROM sql_data", connection, iter_batches=True, batch_size=2))
        assert sum(len(batch) for batch in batches) == 5
        assert polars.DataFrame({"x": [1, 2, 3]}).write_database("from_polars", connection, engine="adbc", if_table_exists="replace") == 3
        assert polars.read_database("SELECT sum(x) AS s FROM from_polars", connection).item() == 6


def test_duckdb_reads_what_adbc_brings(server):
    with connect(server) as connection, connection.cursor() as cursor:
        people = cursor.execute("SELECT * FROM sql_data").fetch_record_batch()
        assert duckdb.sql("SELECT city, count(*) AS n FROM people GROUP BY city ORDER BY n DESC, city LIMIT 1").fetchall() == [("New York", 3)]
        # And back: what DuckDB computes becomes a table here.
        assert cursor.adbc_ingest("from_duckdb", duckdb.sql("SELECT range AS x FROM range(1000)").to_arrow_reader(), mode="replace") == 1000
        assert cursor.execute("SELECT sum(x) FROM from_duckdb").fetchall() == [(499_500,)]
        assert people.schema.names[0] == "id"


def test_flightsql_dbapi(server):
    host, port = server.host_and_port()
    client = FlightSQLClient(host=host, port=port, insecure=True)

    def rows(info):
        return client.do_get(info.endpoints[0].ticket).read_all().to_pylist()
    try:
        assert rows(client.execute(ADULTS))[0] == {"name": "Charlie", "age": 30}
        assert client.execute_update("CREATE TABLE dbapi (x INTEGER PRIMARY KEY)") == -1
        assert client.execute_update("INSERT INTO dbapi VALUES (1), (2)") == 2
        with dbapi_connect(client) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT x FROM dbapi")
            assert [row[0] for row in cursor.fetchall()] == [1, 2]
        assert "dbapi" in [row["table_name"] for row in rows(client.get_tables())]
        assert [row["column_name"] for row in rows(client.get_primary_keys(TableRef(table="dbapi")))] == ["x"]
        assert {row["info_name"]: row["value"] for row in rows(client.get_sql_info([0]))} == {0: "Fletch"}
        assert [row["db_schema_name"] for row in rows(client.get_db_schemas())] == ["main"]
    finally:
        client.close()


def run(program, location):
    done = subprocess.run([sys.executable, EXAMPLES / program, location], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_sql_client_of_the_flight_examples(server):
    for address in server.addresses:
        output = run("sql_client.py", address)
        assert all(name in output for name in ("Bob", "Charlie", "Daniel", "Eve")) and "Alice" not in output
        assert "4 rows by ticket" in output


def test_the_sql_consumer_of_the_flight_examples(server):
    parts = run("sql_consumer.py", server.addresses[1]).split("\n--- ")[1:]
    assert len(parts) == 5
    assert "Alice" in parts[0] and "Los Angeles" in parts[0]
    assert "dept" in parts[1]
    assert parts[2].split()[-1] == "5"
    assert "Empty result set." in parts[3]
    assert "Error" in parts[4] and "no such table: missing_table" in parts[4]
