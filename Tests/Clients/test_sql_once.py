"""Statements that write take effect exactly once, by whichever path a driver sends them, and whatever becomes of the driver."""
import subprocess
import sys

import adbc_driver_flightsql
import adbc_driver_manager
import grpc
import pyarrow as pa
import pytest
from pyarrow import flight

import flightsql_proto as proto
from sqlserver import Raw, ask, begin, command, connect, descriptor, end, prepare, put, raw_statement, run_update, serve_sql, statement, update

CHANGES = ["UPDATE counter SET n = n + 1", "INSERT INTO counter VALUES (1)", "UPDATE counter SET n = n + 1 RETURNING n", "INSERT INTO counter VALUES (1) RETURNING n"]


@pytest.fixture(scope="module")
def server(programs, tmp_path_factory):
    with serve_sql(programs, tmp_path_factory.mktemp("once")) as server:
        yield server


@pytest.fixture
def client(server):
    update(server, "DROP TABLE IF EXISTS counter", "CREATE TABLE counter (n INTEGER)", "INSERT INTO counter VALUES (0)")
    with flight.connect(server.uri) as client:
        yield client


def total(server):
    return ask(server, "SELECT sum(n) FROM counter")[0][0]


def by_dbapi(server, client, sql):
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
        cursor.fetchall()


def by_dbapi_without_reading(server, client, sql):
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.execute(sql)


def by_execute_query(server, client, sql):
    with connect(server) as connection, adbc_driver_manager.AdbcStatement(connection.adbc_connection) as low:
        low.set_sql_query(sql)
        stream, _ = low.execute_query()
        pa.RecordBatchReader._import_from_c(stream.address).read_all()


def by_execute_update(server, client, sql):
    with connect(server) as connection, adbc_driver_manager.AdbcStatement(connection.adbc_connection) as low:
        low.set_sql_query(sql)
        low.execute_update()


def by_prepared_query(server, client, sql):
    with connect(server) as connection, adbc_driver_manager.AdbcStatement(connection.adbc_connection) as low:
        low.set_sql_query(sql)
        low.prepare()
        stream, _ = low.execute_query()
        pa.RecordBatchReader._import_from_c(stream.address).read_all()


def by_partitions(server, client, sql):
    with connect(server) as connection, connection.cursor() as cursor:
        partitions, _ = cursor.adbc_execute_partitions(sql)
        for partition in partitions:
            cursor.adbc_read_partition(partition)
            cursor.fetchall()


def by_info_and_get(server, client, sql):
    info = client.get_flight_info(statement(sql))
    first = client.do_get(info.endpoints[0].ticket).read_all()
    # The same ticket again brings the same rows, and does nothing.
    assert client.do_get(info.endpoints[0].ticket).read_all().equals(first)
    assert client.do_get(info.endpoints[0].ticket).read_all().equals(first)


def by_info_alone(server, client, sql):
    client.get_flight_info(statement(sql))


def by_text(server, client, sql):
    info = client.get_flight_info(flight.FlightDescriptor.for_command(sql))
    client.do_get(info.endpoints[0].ticket).read_all()


def by_ticket(server, client, sql):
    client.do_get(flight.Ticket(sql)).read_all()


def by_update(server, client, sql):
    run_update(client, sql)


def by_schema_first(server, client, sql):
    for _ in range(3):
        client.get_schema(statement(sql))
        prepare(client, sql)
    by_info_and_get(server, client, sql)


def by_polling(server, client, sql):
    with Raw(server) as raw:
        answer = raw.poll(raw_statement(sql))
        while answer.HasField("flight_descriptor"):
            answer = raw.poll(answer.flight_descriptor)
        list(raw.get(proto.message("Ticket")(ticket=answer.info.endpoint[0].ticket.ticket)))


def by_parts(server, client, sql):
    info = client.get_flight_info(statement(sql), flight.FlightCallOptions(headers=[(b"fletch-partitions", b"3")]))
    for endpoint in info.endpoints:
        client.do_get(endpoint.ticket).read_all()


def by_transaction(server, client, sql):
    transaction = begin(client)
    info = client.get_flight_info(statement(sql, transaction_id=transaction))
    client.do_get(info.endpoints[0].ticket).read_all()
    end(client, transaction)


PATHS = [by_dbapi, by_dbapi_without_reading, by_execute_query, by_execute_update, by_prepared_query, by_partitions, by_info_and_get, by_info_alone, by_text,
         by_ticket, by_update, by_schema_first, by_polling, by_parts, by_transaction]


@pytest.mark.parametrize("sql", CHANGES)
@pytest.mark.parametrize("path", PATHS, ids=[path.__name__ for path in PATHS])
def test_once(server, client, path, sql):
    path(server, client, sql)
    assert total(server) == 1
    path(server, client, sql)
    assert ask(server, "SELECT sum(n), count(*) FROM counter") == [(2, 3 if "INSERT" in sql else 1)]


DYING = """
import os, sys
sys.path.insert(0, sys.argv[2])
from pyarrow import flight
from sqlserver import statement
client = flight.connect(sys.argv[1])
for _ in range(5):
    info = client.get_flight_info(statement("INSERT INTO counter VALUES (1) RETURNING n"))
    reader = client.do_get(info.endpoints[0].ticket)
os._exit(1)
"""


def test_clients_that_die_between_info_and_get(server, client, request):
    """What was acknowledged is there, once; a client that dies without reading neither undoes nor repeats it."""
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", DYING, server.uri, request.path.parent], timeout=60)
        assert done.returncode == 1
    assert total(server) == 15


def test_a_statement_that_fails_has_no_effect(server, client):
    update(server, "DROP TABLE IF EXISTS u", "CREATE TABLE u (x UNIQUE)", "INSERT INTO u VALUES (1)")
    for path in (by_info_alone, by_ticket, by_update, by_dbapi):
        with pytest.raises(Exception, match="UNIQUE constraint failed"):
            path(server, client, "INSERT INTO u VALUES (5), (1)")
        assert ask(server, "SELECT count(*) FROM u") == [(1,)]


def test_rows_that_do_not_fit_undo_what_they_tell_of(server, client):
    """An error must mean that nothing happened, also when it is about the rows of RETURNING."""
    update(server, "DROP TABLE IF EXISTS texts", "CREATE TABLE texts (t TEXT)")
    for path in (by_info_alone, by_ticket, by_dbapi, by_transaction):
        with pytest.raises(Exception, match="no value of type utf8"):
            path(server, client, "INSERT INTO texts VALUES ('a'), (x'ff') RETURNING t")
    assert ask(server, "SELECT count(*) FROM texts") == [(0,)]
