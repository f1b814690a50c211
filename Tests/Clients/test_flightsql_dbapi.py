"""flightsql-dbapi, the Python client that came before ADBC, against the fake Flight SQL server."""
import pytest
from flightsql import FlightSQLClient, TableRef, connect

from fake import serve_fake

PEOPLE = [{"id": 1, "name": "Ada"}, {"id": 2, "name": None}, {"id": 3, "name": "Grace"}]


@pytest.fixture
def client(programs):
    with serve_fake(programs) as uri:
        host, port = uri.removeprefix("grpc://").rsplit(":", 1)
        client = FlightSQLClient(host=host, port=int(port), insecure=True)
        yield client
        client.close()


def rows(client, info):
    return client.do_get(info.endpoints[0].ticket).read_all().to_pylist()


def test_queries_and_updates(client):
    assert rows(client, client.execute("SELECT * FROM people")) == PEOPLE
    assert client.execute_update("INSERT INTO people VALUES (4, 'Kay')") == 1
    with connect(client) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT * FROM people")
        assert [row[0] for row in cursor.fetchall()] == [1, 2, 3, 4]


def test_metadata(client):
    assert [row["table_name"] for row in rows(client, client.get_tables())] == ["secrets", "a_b", "axb", "empty", "people"]
    assert [row["catalog_name"] for row in rows(client, client.get_catalogs())] == ["attached", "main"]
    assert [row["db_schema_name"] for row in rows(client, client.get_db_schemas())] == ["private", "public"]
    assert [row["table_type"] for row in rows(client, client.get_table_types())] == ["TABLE", "TEMPORARY", "VIEW"]
    assert [row["column_name"] for row in rows(client, client.get_primary_keys(TableRef(table="people")))] == ["id"]
    assert {row["info_name"]: row["value"] for row in rows(client, client.get_sql_info([0, 1]))} == {0: "fake", 1: "1.2.3"}
