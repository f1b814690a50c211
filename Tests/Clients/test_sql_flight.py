"""pyarrow's plain Flight client and grpcio with hand-made commands against `fletch serve`: every command and action, and what clients
that know no Flight SQL send."""
import re
import time

import grpc
import pyarrow as pa
import pytest
from pyarrow import flight

import flightsql_proto as proto
from servers import wait_until
from sqlserver import Raw, act, ask, begin, command, connect, descriptor, end, info_of, prepare, put, raw_statement, run_update, serve_sql, statement, update
from test_flightsql_flight import SCHEMAS

SCRIPT = """CREATE TABLE parent (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL UNIQUE, price DECIMAL(10,2));
CREATE TABLE child (a INT, b INT, parent INTEGER REFERENCES parent(id) ON DELETE CASCADE ON UPDATE SET NULL, PRIMARY KEY (b, a));
CREATE VIEW named AS SELECT name FROM parent;
INSERT INTO parent VALUES (1, 'one', 1.5);
"""
ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT {} FROM n"
LONG = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < {}) SELECT x FROM n"


@pytest.fixture(scope="module")
def server(programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("sql")
    (folder / "init.sql").write_text(SCRIPT)
    with serve_sql(programs, folder, "--init", folder / "init.sql", "--alias", "large_table=sql_data") as server:
        yield server


@pytest.fixture
def client(server):
    with flight.connect(server.uri) as client:
        yield client


def rows(client, what):
    """All rows, whose schema must be the one that was told."""
    info = client.get_flight_info(what)
    tables = [client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints]
    for table in tables:
        assert table.schema.serialize() == info.schema.serialize()
    return pa.concat_tables(tables).to_pylist()


# Questions.

TEXT = "SELECT id FROM feather_table WHERE id > 3 ORDER BY id"


@pytest.mark.parametrize("what", [
    descriptor("CommandStatementQuery", query=TEXT), flight.FlightDescriptor.for_command(TEXT),
    flight.FlightDescriptor.for_command(f'{{"query": "{TEXT}"}}'),
    flight.FlightDescriptor.for_command(f' {{"limit": 5, "query": "{TEXT}"}} ')], ids=["command", "text", "json", "more json"])
def test_a_question_in_each_form(client, what):
    assert rows(client, what) == [{"id": 4}, {"id": 5}]
    assert client.get_schema(what).schema.names == ["id"]


def test_sql_as_a_ticket(client):
    for ticket in (TEXT, f'{{"query": "{TEXT}"}}', command("CommandStatementQuery", query=TEXT)):
        assert client.do_get(flight.Ticket(ticket)).read_all().to_pylist() == [{"id": 4}, {"id": 5}]


def test_tables_by_name(client):
    for what in (flight.FlightDescriptor.for_path("large_table"), flight.FlightDescriptor.for_path("sql_data"),
                 flight.FlightDescriptor.for_command("large_table")):
        assert len(rows(client, what)) == 5 and client.get_schema(what).schema.names[0] == "id"
    for ticket in ("large_table_ticket", "sql_data_ticket", "sql_data"):
        assert client.do_get(flight.Ticket(ticket)).read_all().num_rows == 5
    with pytest.raises(KeyError, match="no flight 'nobody'"):
        client.get_flight_info(flight.FlightDescriptor.for_path("nobody"))
    with pytest.raises((KeyError, pa.ArrowInvalid), match="nobody"):
        client.do_get(flight.Ticket("nobody_ticket")).read_all()


def test_flights_are_listed(client):
    listed = {info.descriptor.path[0].decode(): info.total_records for info in client.list_flights()}
    # A table that has another name is listed by that.
    name = {"feather_table", "large_table"} & set(listed)
    assert len(name) == 1 and listed[name.pop()] == 5
    assert [info.descriptor.path[0] for info in client.list_flights(b"no such")] == []


def test_statements_that_are_none(client):
    for text in (" ", "-- nothing", "/* nothing */", ";"):
        with pytest.raises(pa.ArrowInvalid, match="no statement"):
            client.get_flight_info(statement(text))
    with pytest.raises(pa.ArrowInvalid, match="NUL"):
        client.get_flight_info(statement("SELECT 1\0; DROP TABLE sql_data"))
    with pytest.raises(pa.ArrowInvalid, match="more than one statement"):
        client.get_flight_info(statement("SELECT 1; SELECT 2"))
    assert rows(client, statement("SELECT 1 AS x;")) == [{"x": 1}]


def test_substrait_is_named(client):
    for attempt in (client.get_flight_info, client.get_schema):
        with pytest.raises(NotImplementedError, match="Substrait"):
            attempt(descriptor("CommandStatementSubstraitPlan"))
    with pytest.raises(NotImplementedError, match="Substrait"):
        put(client, command("CommandStatementSubstraitPlan"))
    with pytest.raises(NotImplementedError, match="Substrait"):
        act(client, "CreatePreparedSubstraitPlan", command("ActionCreatePreparedSubstraitPlanRequest"))


def test_what_is_not_there_is_said(client):
    with pytest.raises(NotImplementedError, match="dance"):
        act(client, "dance")
    assert {action.type for action in client.list_actions()} >= {"CreatePreparedStatement", "CancelFlightInfo", "EndSavepoint"}
    with pytest.raises(NotImplementedError):
        writer, reader = client.do_exchange(flight.FlightDescriptor.for_path("x"))
        writer.begin(pa.schema([]))
        writer.done_writing()
        reader.read_chunk()


# Metadata.

@pytest.mark.parametrize("name, values", [
    ("CommandGetCatalogs", {}), ("CommandGetDbSchemas", {}), ("CommandGetTables", {}), ("CommandGetTables", {"include_schema": True}),
    ("CommandGetTableTypes", {}), ("CommandGetPrimaryKeys", {"table": "child"}), ("CommandGetExportedKeys", {"table": "parent"}),
    ("CommandGetImportedKeys", {"table": "child"}), ("CommandGetCrossReference", {"pk_table": "parent", "fk_table": "child"}),
    ("CommandGetXdbcTypeInfo", {}), ("CommandGetSqlInfo", {})])
def test_metadata_schemas_are_the_specifications(client, name, values):
    what = descriptor(name, **values)
    expected = pa.schema(SCHEMAS[name + (" with schemas" if values.get("include_schema") else "")])
    info = client.get_flight_info(what)
    table = client.do_get(info.endpoints[0].ticket).read_all()
    for schema in (info.schema, client.get_schema(what).schema, table.schema):
        assert schema.equals(expected, check_metadata=True), schema.to_string()
    assert table.num_rows > 0 or name == "CommandGetCatalogs"


def test_keys(client):
    assert [(row["column_name"], row["key_sequence"]) for row in rows(client, descriptor("CommandGetPrimaryKeys", table="child"))] == [
        ("b", 1), ("a", 2)]
    assert [row["column_name"] for row in rows(client, descriptor("CommandGetPrimaryKeys", table="parent"))] == ["id"]
    for name, values in (("CommandGetImportedKeys", {"table": "child"}), ("CommandGetExportedKeys", {"table": "parent"}),
                         ("CommandGetCrossReference", {"pk_table": "parent", "fk_table": "child"})):
        [row] = rows(client, descriptor(name, **values))
        assert (row["pk_table_name"], row["pk_column_name"], row["fk_table_name"], row["fk_column_name"]) == ("parent", "id", "child", "parent")
        # CASCADE is 0, SET NULL is 2.
        assert (row["update_rule"], row["delete_rule"], row["key_sequence"]) == (2, 0, 1)
    assert rows(client, descriptor("CommandGetImportedKeys", table="parent")) == []
    assert rows(client, descriptor("CommandGetCrossReference", pk_table="child", fk_table="parent")) == []


def test_tables_with_patterns_and_types(client):
    def names(**filters):
        return [row["table_name"] for row in rows(client, descriptor("CommandGetTables", **filters))]
    everything = names()
    assert everything == sorted(everything, key=lambda name: (everything.index(name))) and {"parent", "child", "named", "sql_data"} <= set(everything)
    assert names(table_name_filter_pattern="par%") == ["parent"] and names(table_name_filter_pattern="chil_") == ["child"]
    assert names(table_types=["VIEW"]) == ["feather_table", "large_table", "named"]
    assert names(db_schema_filter_pattern="") == [] and names(table_name_filter_pattern="x' OR '1'='1") == []
    assert not any(name.startswith("fletch_") for name in everything)
    [row] = rows(client, descriptor("CommandGetTables", include_schema=True, table_name_filter_pattern="parent"))
    schema = pa.ipc.read_schema(pa.py_buffer(row["table_schema"]))
    assert schema.types == [pa.int64(), pa.string(), pa.decimal128(10, 2)] and not schema.field("name").nullable
    assert schema.field("name").metadata[b"ARROW:FLIGHT:SQL:TYPE_NAME"].startswith(b"VARCHAR")


def test_sql_info_tells_the_truth(client):
    info = {row["info_name"]: row["value"] for row in rows(client, descriptor("CommandGetSqlInfo"))}
    assert info[0] == "Fletch" and info[3] is False and info[4] is True and info[5] is False and info[8] == 2 and info[9] is True
    assert {row["info_name"]: row["value"] for row in rows(client, descriptor("CommandGetSqlInfo", info=[0, 9999]))} == {0: "Fletch"}


def test_results_name_their_types(client):
    schema = client.get_schema(statement("SELECT id, name, is_active, 1.5 AS r, x'00' AS b FROM sql_data")).schema
    names = [field.metadata[b"ARROW:FLIGHT:SQL:TYPE_NAME"] for field in schema]
    assert names == [b"BIGINT", b"VARCHAR", b"BOOLEAN", b"DOUBLE", b"BLOB"]


# Prepared statements.

def test_prepared_statements(client, server):
    found = prepare(client, "SELECT name FROM sql_data WHERE id = ? AND city = :city")
    assert found.HasField("is_update") and not found.is_update
    assert pa.ipc.read_schema(pa.py_buffer(found.dataset_schema)).names == ["name"]
    assert pa.ipc.read_schema(pa.py_buffer(found.parameter_schema)).types == [pa.int64(), pa.utf8()]
    handle = found.prepared_statement_handle
    put(client, command("CommandPreparedStatementQuery", prepared_statement_handle=handle),
        pa.record_batch([pa.array([1, 2, 3]), pa.array(["New York", "Paris", "Chicago"])], names=["a", "b"]))
    what = descriptor("CommandPreparedStatementQuery", prepared_statement_handle=handle)
    assert rows(client, what) == [{"name": "Alice"}, {"name": "Charlie"}]
    # As a ticket, too.
    assert client.do_get(flight.Ticket(what.command)).read_all().num_rows == 2
    assert act(client, "ClosePreparedStatement", command("ActionClosePreparedStatementRequest", prepared_statement_handle=handle)) == []
    with pytest.raises(KeyError, match="prepared statement"):
        client.get_flight_info(what)


def test_prepared_updates(client, server):
    update(server, "CREATE TABLE prepared (x INTEGER PRIMARY KEY, y TEXT)")
    found = prepare(client, "INSERT INTO prepared VALUES (?, ?)")
    assert found.is_update and found.dataset_schema == b""
    what = command("CommandPreparedStatementUpdate", prepared_statement_handle=found.prepared_statement_handle)

    def count(answer):
        return proto.message("DoPutUpdateResult").FromString(answer).record_count
    assert count(put(client, what, pa.record_batch([pa.array([1, 2]), pa.array(["a", None])], names=["x", "y"]))) == 2
    with pytest.raises(pa.ArrowException, match="UNIQUE constraint failed: prepared.x"):
        put(client, what, pa.record_batch([pa.array([3, 2]), pa.array(["c", "d"])], names=["x", "y"]))
    with pytest.raises(pa.ArrowInvalid, match="2 parameters"):
        put(client, what, pa.record_batch([pa.array([3])], names=["x"]))
    assert ask(server, "SELECT * FROM prepared") == [(1, "a"), (2, None)]


def test_a_prepared_statement_is_never_stale(client, server):
    """Its rows were looked at to know their type; what others have changed since must be in its result all the same."""
    update(server, "CREATE TABLE counted (x)", "INSERT INTO counted VALUES (1)")
    handle = prepare(client, "SELECT x FROM counted").prepared_statement_handle
    what = descriptor("CommandPreparedStatementQuery", prepared_statement_handle=handle)
    update(server, "UPDATE counted SET x = 2")
    assert rows(client, what) == [{"x": 2}]
    run_update(client, "UPDATE counted SET x = 3")
    assert rows(client, what) == [{"x": 3}]


# Transactions.

def test_transactions_and_savepoints(client, server):
    update(server, "CREATE TABLE moved (x INTEGER)")
    transaction = begin(client)

    def insert(x):
        assert run_update(client, f"INSERT INTO moved VALUES ({x})", transaction_id=transaction) == 1

    def savepoint(name):
        [body] = act(client, "BeginSavepoint", command("ActionBeginSavepointRequest", transaction_id=transaction, name=name))
        return proto.unwrap(body, "ActionBeginSavepointResult").savepoint_id

    def finish(savepoint, action):
        act(client, "EndSavepoint", command("ActionEndSavepointRequest", savepoint_id=savepoint, action=action))
    insert(1)
    outer = savepoint("same name; DROP TABLE moved")
    insert(2)
    inner = savepoint("same name; DROP TABLE moved")
    insert(3)
    finish(inner, 2)
    assert rows(client, statement("SELECT sum(x) AS s FROM moved", transaction_id=transaction)) == [{"s": 3}]
    finish(outer, 1)
    assert ask(server, "SELECT count(*) FROM moved") == [(0,)]
    end(client, transaction)
    assert ask(server, "SELECT sum(x) FROM moved") == [(3,)]
    with pytest.raises(KeyError, match="transaction"):
        run_update(client, "DELETE FROM moved", transaction_id=transaction)
    with pytest.raises(pa.ArrowInvalid, match="neither commit nor rollback"):
        act(client, "EndTransaction", command("ActionEndTransactionRequest", transaction_id=begin(client)))


def test_transactions_by_sql(client):
    run_update(client, "CREATE TABLE by_sql (x INTEGER)")
    for ending, count in (("ROLLBACK", 0), ("COMMIT", 1)):
        run_update(client, "BEGIN")
        run_update(client, "INSERT INTO by_sql VALUES (1)")
        run_update(client, ending)
        assert rows(client, statement("SELECT count(*) AS n FROM by_sql")) == [{"n": count}]


def test_a_client_that_is_gone_holds_nobody_up(client, server):
    """Its connection closes without a word, and its transaction has written."""
    update(server, "CREATE TABLE held (x INTEGER)")
    lost = flight.connect(server.uri)
    transaction = begin(lost)
    run_update(lost, "INSERT INTO held VALUES (1)", transaction_id=transaction)
    lost.close()
    del lost
    started = time.monotonic()
    run_update(client, "INSERT INTO held VALUES (2)", options=flight.FlightCallOptions(timeout=20))
    assert time.monotonic() - started < 15
    assert rows(client, statement("SELECT x FROM held")) == [{"x": 2}]
    with pytest.raises(KeyError, match="transaction"):
        end(client, transaction)


def test_prepared_statements_of_a_transaction_do_not_hold_it_up(client, server):
    update(server, "CREATE TABLE loose (x)", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) INSERT INTO loose SELECT NULL FROM n")
    transaction = begin(client)
    first = prepare(client, "SELECT x FROM loose", transaction_id=transaction)
    second = prepare(client, "SELECT x, x FROM loose", transaction_id=transaction)
    for found in (second, first):
        what = descriptor("CommandPreparedStatementQuery", prepared_statement_handle=found.prepared_statement_handle)
        assert len(rows(client, what)) == 1000
    end(client, transaction)


# Tickets and handles.

def test_a_ticket_may_be_brought_again(client, server):
    info = client.get_flight_info(statement("SELECT id FROM sql_data"))
    for _ in range(3):
        assert client.do_get(info.endpoints[0].ticket).read_all().num_rows == 5
    with flight.connect(server.uri) as other:
        assert other.do_get(info.endpoints[0].ticket).read_all().num_rows == 5


def test_handles_are_not_guessed(client):
    seen = {info_of(client, statement("SELECT 1")).endpoint[0].ticket.ticket for _ in range(50)}
    assert len(seen) == 50 and all(len(proto.unwrap(ticket, "TicketStatementQuery").statement_handle) == 16 for ticket in seen)
    with pytest.raises(KeyError, match="no such result"):
        client.do_get(flight.Ticket(command("TicketStatementQuery", statement_handle=b"0" * 16))).read_all()


def test_renewing(client):
    info = info_of(client, statement("SELECT 1"))
    [body] = act(client, "RenewFlightEndpoint", proto.message("RenewFlightEndpointRequest")(endpoint=info.endpoint[0]).SerializeToString())
    renewed = proto.message("FlightEndpoint").FromString(body)
    assert renewed.ticket == info.endpoint[0].ticket
    assert time.time() < info.endpoint[0].expiration_time.seconds <= renewed.expiration_time.seconds
    info.endpoint[0].ticket.ticket = command("TicketStatementQuery", statement_handle=b"unknown")
    with pytest.raises(KeyError, match="no such result"):
        act(client, "RenewFlightEndpoint", proto.message("RenewFlightEndpointRequest")(endpoint=info.endpoint[0]).SerializeToString())


def test_thousands_of_infos_without_a_get_hold_nobody_up(server):
    """Each of these has looked at its first rows to know their type, and holds on to them for whoever asks next."""
    update(server, "CREATE TABLE nulls (x)", "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) INSERT INTO nulls SELECT NULL FROM n")
    with flight.connect(server.uri) as client:
        infos = [client.get_flight_info(statement(f"SELECT x, {i} AS i FROM nulls"), flight.FlightCallOptions(timeout=20)) for i in range(200)]
        assert client.do_get(infos[0].endpoints[0].ticket).read_all().num_rows == 3000
        assert client.do_get(infos[-1].endpoints[0].ticket).read_all().num_rows == 3000


def test_more_results_than_are_kept(server):
    """A busy server has a result for every query and hears of no end: the oldest make room."""
    with Raw(server) as raw:
        first = raw.info(raw_statement("SELECT 1 AS x"))
        for _ in range(20):
            calls = [raw.channel.unary_unary("/arrow.flight.protocol.FlightService/GetFlightInfo", lambda m: m.SerializeToString(), lambda data: data).future(
                raw_statement("SELECT 1 AS x"), timeout=30) for _ in range(1050)]
            for call in calls:
                call.result()
        assert len(list(raw.get(proto.message("Ticket")(ticket=raw.info(raw_statement("SELECT 1 AS x")).endpoint[0].ticket.ticket)))) >= 1
        with pytest.raises(grpc.RpcError, match="no such result"):
            list(raw.get(proto.message("Ticket")(ticket=first.endpoint[0].ticket.ticket)))


# Parts.

def test_results_in_parts(client, server):
    header = flight.FlightCallOptions(headers=[(b"fletch-partitions", b"4")])
    info = client.get_flight_info(statement(LONG.format(1_000_000)), header)
    assert len(info.endpoints) == 4 and info.total_records == 1_000_000 and info.ordered
    parts = [client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints]
    assert [part.num_rows for part in parts] == [250_000] * 4
    assert all(part.schema.serialize() == info.schema.serialize() for part in parts)
    assert pa.concat_tables(parts).column("x").to_pylist() == list(range(1, 1_000_001))
    # Again, from elsewhere, in another order.
    with flight.connect(server.uri) as other:
        assert other.do_get(info.endpoints[2].ticket).read_all().equals(parts[2])
    # Never more parts than rows, and one where there are none.
    assert len(client.get_flight_info(statement("SELECT id FROM sql_data"), flight.FlightCallOptions(headers=[(b"fletch-partitions", b"50")])).endpoints) == 5
    assert len(client.get_flight_info(statement("SELECT id FROM sql_data WHERE 0"), header).endpoints) == 1
    for wrong in (b"0", b"-1", b"x", b"1000"):
        with pytest.raises(pa.ArrowInvalid, match="fletch-partitions"):
            client.get_flight_info(statement("SELECT 1"), flight.FlightCallOptions(headers=[(b"fletch-partitions", wrong)]))


def test_parts_by_a_session_option(server):
    with connect(server, **{"adbc.flight.sql.rpc.with_cookie_middleware": "true"}) as connection:
        connection.adbc_connection.set_options(**{"adbc.flight.sql.session.option.fletch_partitions": "3"})
        with connection.cursor() as cursor:
            partitions, _ = cursor.adbc_execute_partitions(LONG.format(300))
            assert len(partitions) == 3
            found = []
            with connect(server) as other, other.cursor() as reader:
                for partition in partitions:
                    reader.adbc_read_partition(partition)
                    found.append(len(reader.fetchall()))
            assert found == [100, 100, 100]
            assert cursor.execute(LONG.format(300)).fetch_arrow_table().num_rows == 300


# Polling.

def test_polling_a_long_query_to_its_end(server):
    with Raw(server) as raw:
        ask, seen, answers = raw_statement(LONG.format(3_000_000)), [], 0
        while True:
            answer = raw.poll(ask)
            answers += 1
            if not answer.HasField("flight_descriptor"):
                break
            assert answer.info.schema and not answer.info.endpoint and answer.expiration_time.seconds > time.time()
            seen.append(answer.info.total_records)
            ask = answer.flight_descriptor
        assert answers > 1 and seen == sorted(seen), "rows so far only grow"
        assert answer.progress == 1.0 and len(answer.info.endpoint) == 1 and answer.info.total_records == 3_000_000
        with flight.connect(server.uri) as client:
            for _ in range(2):
                assert client.do_get(flight.Ticket(answer.info.endpoint[0].ticket.ticket)).read_all().num_rows == 3_000_000


def test_polling_more_than_is_kept(server):
    """The query stops when enough is kept, and goes on when it is read."""
    sql = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 400000) SELECT x, printf('%01000d', x) AS t FROM n"
    with Raw(server) as raw:
        answer = raw.poll(raw_statement(sql))
        while answer.HasField("flight_descriptor"):
            answer = raw.poll(answer.flight_descriptor)
        assert len(answer.info.endpoint) == 1 and answer.info.total_records == -1
        with flight.connect(server.uri) as client:
            total = count = 0
            for chunk in client.do_get(flight.Ticket(answer.info.endpoint[0].ticket.ticket)):
                count += chunk.data.num_rows
                total += sum(chunk.data.column("x").to_pylist())
            assert (count, total) == (400_000, 400_000 * 400_001 // 2)


def test_polling_what_is_quick_or_writes(server):
    with Raw(server) as raw:
        answer = raw.poll(raw_statement("SELECT 1 AS x"))
        while answer.HasField("flight_descriptor"):
            answer = raw.poll(answer.flight_descriptor)
        assert answer.progress == 1.0 and answer.info.total_records == 1
        raw.poll(raw_statement("CREATE TABLE polled (x)"))
        answer = raw.poll(raw_statement("INSERT INTO polled VALUES (1)"))
        assert not answer.HasField("flight_descriptor") and ask(server, "SELECT count(*) FROM polled") == [(1,)]
        for what in (proto.message("FlightDescriptor")(type=2, cmd=command("CommandGetTables")), proto.message("FlightDescriptor")(type=1, path=["sql_data"])):
            answer = raw.poll(what)
            assert answer.progress == 1.0 and len(answer.info.endpoint) == 1
        with pytest.raises(grpc.RpcError, match="integer overflow"):
            answer = raw.poll(raw_statement("SELECT abs(-9223372036854775808)"))
            while answer.HasField("flight_descriptor"):
                answer = raw.poll(answer.flight_descriptor)


def test_polling_is_cancelled_by_its_info(server):
    with Raw(server) as raw:
        answer = raw.poll(raw_statement(ENDLESS.format("count(*)")))
        assert answer.HasField("flight_descriptor")
        [body] = raw.act("CancelFlightInfo", proto.message("CancelFlightInfoRequest")(info=answer.info))
        assert proto.message("CancelFlightInfoResult").FromString(body).status == 1
        with pytest.raises(grpc.RpcError, match="no such polled query"):
            raw.poll(answer.flight_descriptor)


def test_the_driver_polls(server):
    import adbc_driver_flightsql
    import adbc_driver_manager
    with adbc_driver_flightsql.connect(server.uri) as database, adbc_driver_manager.AdbcConnection(database) as connection:
        with adbc_driver_manager.AdbcStatement(connection) as poll:
            poll.set_options(**{adbc_driver_manager.StatementOptions.INCREMENTAL.value: "true"})
            poll.set_sql_query(LONG.format(2_000_000))
            [partition], _schema, _count = poll.execute_partitions()
            assert poll.execute_partitions()[0] == []
            handle = connection.read_partition(partition)
            assert pa.RecordBatchReader._import_from_c(handle.address).read_all().num_rows == 2_000_000


# Sessions.

def test_session_options_and_cookies(server):
    class Cookies(flight.ClientMiddlewareFactory):
        """Keeps the server's cookies, as clients do."""
        def __init__(self):
            self.value = None

        def start_call(self, info):
            factory = self

            class Middleware(flight.ClientMiddleware):
                def sending_headers(self):
                    return {"cookie": factory.value} if factory.value else {}

                def received_headers(self, headers):
                    for value in headers.get("set-cookie", []):
                        factory.value = value.split(";")[0]
            return Middleware()

    cookies = Cookies()
    with flight.connect(server.uri, middleware=[cookies]) as client:
        options = proto.message("SetSessionOptionsRequest")()
        options.session_options["fletch_timeout"].double_value = 2.5
        options.session_options["schema"].string_value = "elsewhere"
        options.session_options["no-such"].bool_value = True
        [body] = act(client, "SetSessionOptions", options.SerializeToString())
        errors = proto.message("SetSessionOptionsResult").FromString(body).errors
        # INVALID_NAME is 1, INVALID_VALUE is 2.
        assert {name: error.value for name, error in errors.items()} == {"schema": 2, "no-such": 1}
        assert cookies.value

    def options_of(client):
        [body] = act(client, "GetSessionOptions", proto.message("GetSessionOptionsRequest")().SerializeToString())
        return proto.message("GetSessionOptionsResult").FromString(body).session_options
    # The session outlives its connection, because of the cookie; another client has another one.
    with flight.connect(server.uri, middleware=[cookies]) as client:
        assert options_of(client)["fletch_timeout"].string_value == "2.5"
        with flight.connect(server.uri) as other:
            assert options_of(other)["fletch_timeout"].string_value == ""
        [body] = act(client, "CloseSession", b"")
        assert proto.message("CloseSessionResult").FromString(body).status == 1
        with pytest.raises(flight.FlightUnauthenticatedError, match="session"):
            client.get_flight_info(statement("SELECT 1"))


def test_a_time_limit_of_the_session(server):
    with flight.connect(server.uri) as client:
        options = proto.message("SetSessionOptionsRequest")()
        options.session_options["fletch_timeout"].double_value = 0.3
        act(client, "SetSessionOptions", options.SerializeToString())
        with pytest.raises(flight.FlightTimedOutError, match="longer than it may"):
            rows(client, statement(ENDLESS.format("count(*)")))


# Several addresses.

def test_as_many_addresses_as_asked(programs, tmp_path):
    with serve_sql(programs, tmp_path, "--alias", "large_table=sql_data", listen=("localhost:0", "localhost:0", f"unix:{tmp_path}/socket")) as server:
        assert len(server.addresses) == 3
        for address in server.addresses:
            with flight.connect(address) as client:
                assert len(rows(client, statement(TEXT))) == 2
                assert client.do_get(flight.Ticket("large_table_ticket")).read_all().num_rows == 5


# Limits of clients.

def test_a_row_larger_than_a_clients_limit(client, server):
    """pyarrow has none of its own; gRPC's other clients take 4 MiB."""
    sql = "SELECT hex(zeroblob(5000000)) AS x"
    with Raw(server) as raw:
        pass
    channel = grpc.insecure_channel(server.uri.removeprefix("grpc://"))
    with channel:
        get = channel.unary_stream("/arrow.flight.protocol.FlightService/DoGet", lambda m: m.SerializeToString(), lambda data: data)
        with pytest.raises(grpc.RpcError) as caught:
            list(get(proto.message("Ticket")(ticket=sql.encode()), timeout=30))
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert len(client.do_get(flight.Ticket(sql)).read_all().column("x")[0].as_py()) == 10_000_000
    # The connection is as good as before.
    assert rows(client, statement("SELECT 1 AS x")) == [{"x": 1}]


def test_messages_stay_below_four_mebibytes(server):
    sql = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 40) SELECT hex(zeroblob(500000)) AS t FROM n"
    channel = grpc.insecure_channel(server.uri.removeprefix("grpc://"))
    with channel:
        get = channel.unary_stream("/arrow.flight.protocol.FlightService/DoGet", lambda m: m.SerializeToString(), lambda data: data)
        sizes = [len(message) for message in get(proto.message("Ticket")(ticket=sql.encode()), timeout=60)]
    assert max(sizes) < 4 << 20 and sum(sizes) > 40_000_000


def test_many_columns_and_deep_expressions(client):
    columns = ", ".join(f"{i} AS c{i}" for i in range(500))
    [row] = rows(client, statement(f"SELECT {columns}"))
    assert row == {f"c{i}": i for i in range(500)}
    assert rows(client, statement("SELECT " + "(" * 60 + "1" + ")" * 60 + " AS x")) == [{"x": 1}]
    for depth in (500, 100_000):
        with pytest.raises(pa.ArrowInvalid, match="overflow|too deep|too complex|depth"):
            client.get_flight_info(statement("SELECT " + "(" * depth + "1" + ")" * depth))
    assert rows(client, statement("SELECT 1 AS x")) == [{"x": 1}]
    assert len(rows(client, statement("SELECT '" + "x" * 900_000 + "' AS x"))[0]["x"]) == 900_000
