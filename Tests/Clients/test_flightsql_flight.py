"""pyarrow's plain Flight client with hand-made commands against the fake Flight SQL server: schemas, dispatch, fallbacks, refusals."""
import os
import random

import grpc
import pyarrow as pa
import pytest
from google.protobuf import any_pb2
from pyarrow import flight

import flightsql_proto as proto
from fake import serve_fake

PEOPLE = [{"id": 1, "name": "Ada"}, {"id": 2, "name": None}, {"id": 3, "name": "Grace"}]


def field(name, kind, nullable=True):
    return pa.field(name, kind, nullable)


def required(name, kind):
    return pa.field(name, kind, nullable=False)


TEXT, NUMBER = pa.string(), pa.int32()
TABLES = [field("catalog_name", TEXT), field("db_schema_name", TEXT), required("table_name", TEXT), required("table_type", TEXT)]
FOREIGN_KEYS = [
    field("pk_catalog_name", TEXT), field("pk_db_schema_name", TEXT), required("pk_table_name", TEXT),
    required("pk_column_name", TEXT), field("fk_catalog_name", TEXT), field("fk_db_schema_name", TEXT),
    required("fk_table_name", TEXT), required("fk_column_name", TEXT), required("key_sequence", NUMBER),
    field("fk_key_name", TEXT), field("pk_key_name", TEXT), required("update_rule", pa.uint8()), required("delete_rule", pa.uint8())]
# As FlightSql.proto states them.
SCHEMAS = {
    "CommandGetCatalogs": [required("catalog_name", TEXT)],
    "CommandGetDbSchemas": [field("catalog_name", TEXT), required("db_schema_name", TEXT)],
    "CommandGetTables": TABLES,
    "CommandGetTables with schemas": TABLES + [required("table_schema", pa.binary())],
    "CommandGetTableTypes": [required("table_type", TEXT)],
    "CommandGetPrimaryKeys": TABLES[:3] + [required("column_name", TEXT), field("key_name", TEXT), required("key_sequence", NUMBER)],
    "CommandGetExportedKeys": FOREIGN_KEYS,
    "CommandGetImportedKeys": FOREIGN_KEYS,
    "CommandGetCrossReference": FOREIGN_KEYS,
    "CommandGetXdbcTypeInfo": [
        required("type_name", TEXT), required("data_type", NUMBER), field("column_size", NUMBER), field("literal_prefix", TEXT),
        field("literal_suffix", TEXT), field("create_params", pa.list_(required("item", TEXT))), required("nullable", NUMBER),
        required("case_sensitive", pa.bool_()), required("searchable", NUMBER), field("unsigned_attribute", pa.bool_()),
        required("fixed_prec_scale", pa.bool_()), field("auto_increment", pa.bool_()), field("local_type_name", TEXT),
        field("minimum_scale", NUMBER), field("maximum_scale", NUMBER), required("sql_data_type", NUMBER),
        field("datetime_subcode", NUMBER), field("num_prec_radix", NUMBER), field("interval_precision", NUMBER)],
    "CommandGetSqlInfo": [
        required("info_name", pa.uint32()),
        required("value", pa.dense_union([
            required("string_value", TEXT), required("bool_value", pa.bool_()), required("bigint_value", pa.int64()),
            required("int32_bitmask", NUMBER), required("string_list", pa.list_(field("item", TEXT))),
            required("int32_to_int32_list_map", pa.map_(NUMBER, pa.list_(NUMBER)))]))],
}
COMMANDS = {
    "CommandGetTables with schemas": ("CommandGetTables", {"include_schema": True}),
    "CommandGetPrimaryKeys": ("CommandGetPrimaryKeys", {"table": "people"}),
    "CommandGetExportedKeys": ("CommandGetExportedKeys", {"table": "people"}),
    "CommandGetImportedKeys": ("CommandGetImportedKeys", {"table": "friends"}),
    "CommandGetCrossReference": ("CommandGetCrossReference", {"pk_table": "people", "fk_table": "friends"}),
}


def command(name, /, **values):
    return proto.wrap(proto.message(name)(**values))


def descriptor(name, /, **values):
    return flight.FlightDescriptor.for_command(command(name, **values))


@pytest.fixture(scope="module")
def uri(programs):
    with serve_fake(programs) as uri:
        yield uri


@pytest.fixture
def client(uri):
    with flight.connect(uri) as client:
        yield client


def act(client, kind, body=b""):
    return [result.body.to_pybytes() for result in client.do_action(flight.Action(kind, body))]


def calls(client):
    return [body.decode() for body in act(client, "Calls")]


def rows(client, what):
    info = client.get_flight_info(what)
    table = pa.concat_tables([client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints])
    assert table.schema.equals(info.schema, check_metadata=True)
    return table


@pytest.mark.parametrize("name", SCHEMAS)
def test_metadata_schemas(client, name):
    kind, values = COMMANDS.get(name, (name, {}))
    what, expected = descriptor(kind, **values), pa.schema(SCHEMAS[name])
    info = client.get_flight_info(what)
    assert info.schema.equals(expected, check_metadata=True), info.schema.to_string()
    assert client.get_schema(what).schema.equals(expected, check_metadata=True)
    assert info.descriptor.command == what.command
    table = rows(client, what)
    assert table.schema.equals(expected, check_metadata=True) and table.num_rows > 0
    table.validate(full=True)


def test_tables_hold_their_schema(client):
    found = rows(client, descriptor("CommandGetTables", include_schema=True, table_name_filter_pattern="people")).to_pylist()
    assert [(row["catalog_name"], row["db_schema_name"], row["table_name"], row["table_type"]) for row in found] == [
        ("main", "public", "people", "TABLE")]
    schema = pa.ipc.read_schema(pa.py_buffer(found[0]["table_schema"]))
    assert schema.names == ["id", "name"] and not schema.field("id").nullable
    assert schema.field("id").metadata[b"ARROW:FLIGHT:SQL:IS_AUTO_INCREMENT"] == b"1"


def test_absent_and_empty_filters_differ(client):
    assert rows(client, descriptor("CommandGetTables")).num_rows == 5
    assert rows(client, descriptor("CommandGetTables", catalog="")).num_rows == 0
    assert rows(client, descriptor("CommandGetTables", db_schema_filter_pattern="")).num_rows == 0
    assert rows(client, descriptor("CommandGetDbSchemas", catalog="main")).num_rows == 2
    assert rows(client, descriptor("CommandGetDbSchemas", catalog="MAIN")).num_rows == 0


def test_sql_info(client):
    def info(*codes):
        return {row["info_name"]: row["value"] for row in rows(client, descriptor("CommandGetSqlInfo", info=codes)).to_pylist()}
    everything = info()
    assert everything[0] == "fake" and everything[3] is False and everything[8] == 2 and everything[557] == 1_000_000
    assert everything[508] == ["SELECT", "SLEEP"] and everything[540] == 3 and everything[517] == [(7, [19, 13])]
    # Codes of some later specification are left out, not refused.
    assert info(0, 9, 999) == {0: "fake", 9: True}


def test_types(client):
    types = rows(client, descriptor("CommandGetXdbcTypeInfo")).to_pylist()
    order = [(row["data_type"], row["type_name"]) for row in types]
    assert order == sorted(order) and (4, "INTEGER") in order and (-4, "BLOB") in order
    one = rows(client, descriptor("CommandGetXdbcTypeInfo", data_type=93)).to_pylist()
    assert {row["type_name"] for row in one} == {"TIMESTAMP", "DATETIME"} and {row["sql_data_type"] for row in one} == {9}


def test_a_statement(client):
    what = descriptor("CommandStatementQuery", query="SELECT * FROM people")
    info = client.get_flight_info(what)
    assert rows(client, what).to_pylist() == PEOPLE
    assert client.get_schema(what).schema == info.schema
    assert info.ordered and info.app_metadata == b"\x07"
    assert info.endpoints[0].expiration_time is not None
    ticket = proto.unwrap(info.endpoints[0].ticket.ticket, "TicketStatementQuery")
    assert ticket.statement_handle.startswith(b"result-")


def test_text_json_and_paths(client):
    text = "SELECT * FROM people"
    for what in (text, f'{{"query": "{text}"}}', f' {{"limit": [1, {{"a": null}}], "query": "SELECT *\\u0020FROM\\tpeople"}} ', "\n" + text):
        assert rows(client, flight.FlightDescriptor.for_command(what)).to_pylist() == PEOPLE
    assert rows(client, flight.FlightDescriptor.for_path("people")).to_pylist() == PEOPLE
    assert client.do_get(flight.Ticket(text)).read_all().to_pylist() == PEOPLE
    assert client.do_get(flight.Ticket(f'{{"query": "{text}"}}')).read_all().to_pylist() == PEOPLE
    # The ticket of text is text, as clients of old write it.
    assert client.get_flight_info(flight.FlightDescriptor.for_command(text)).endpoints[0].ticket.ticket == text.encode()
    seen = calls(client)
    assert "execute SQL text" in seen and "execute JSON with a query" in seen and "execute the path [\"people\"]" in seen


def test_plain_flight_goes_on(client):
    assert [info.descriptor.path for info in client.list_flights()] == [[b"people"]]
    writer, reader = client.do_put(flight.FlightDescriptor.for_path("upload"), pa.schema([("x", pa.int64())]))
    writer.write_batch(pa.record_batch([pa.array([1, 2])], names=["x"]))
    writer.done_writing()
    assert reader.read().to_pybytes() == b"2"
    writer.close()
    names = {action.type for action in client.list_actions()}
    assert {"CreatePreparedStatement", "CancelFlightInfo", "CloseSession", "EndSavepoint"} <= names and len(names) == 13


GARBAGE = [b"", b"\x00\x01\x02", b"\xff" * 40, b"\x0a\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", b"{", b'{"query": 1}', b'{"query": "\\ud800"}',
           b"[" * 5000, b'{"a":' * 5000, b"\x0a\x05abc", command("CommandGetTables")[:-1] + b"\xff"]


@pytest.mark.parametrize("what", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_an_invalid_argument(client, what):
    for attempt in (client.get_flight_info, client.get_schema):
        with pytest.raises(pa.ArrowInvalid):
            attempt(flight.FlightDescriptor.for_command(what))
    with pytest.raises(pa.ArrowInvalid):
        client.do_get(flight.Ticket(what)).read_all()


def test_what_is_not_served_is_named(client):
    def envelope(url, value=b""):
        return flight.FlightDescriptor.for_command(any_pb2.Any(type_url=url, value=value).SerializeToString())
    with pytest.raises(NotImplementedError, match="CommandFromTheFuture"):
        client.get_flight_info(envelope("type.googleapis.com/arrow.flight.protocol.sql.CommandFromTheFuture"))
    with pytest.raises(pa.ArrowInvalid, match="google.protobuf.Timestamp"):
        client.get_flight_info(envelope("type.googleapis.com/google.protobuf.Timestamp"))
    with pytest.raises(pa.ArrowInvalid, match="CommandStatementUpdate is not for GetFlightInfo"):
        client.get_flight_info(descriptor("CommandStatementUpdate", query="DELETE FROM people"))
    with pytest.raises(NotImplementedError, match="Substrait"):
        client.get_flight_info(descriptor("CommandStatementSubstraitPlan"))
    with pytest.raises(NotImplementedError, match="Substrait"):
        act(client, "CreatePreparedSubstraitPlan", command("ActionCreatePreparedSubstraitPlanRequest"))
    with pytest.raises(NotImplementedError, match="dance"):
        act(client, "dance")
    with pytest.raises(pa.ArrowInvalid, match="CommandGetCatalogs"):
        act(client, "BeginTransaction", command("CommandGetCatalogs"))
    with pytest.raises(pa.ArrowInvalid, match="ActionBeginTransactionRequest"):
        act(client, "BeginTransaction", os.urandom(20))
    with pytest.raises(pa.ArrowInvalid, match="CommandGetTables is not for DoPut"):
        put(client, command("CommandGetTables"))


def put(client, what, batch=None):
    """The metadata that a DoPut is answered with."""
    schema = batch.schema if batch is not None else pa.schema([])
    writer, reader = client.do_put(flight.FlightDescriptor.for_command(what), schema)
    with writer:
        if batch is not None:
            writer.write_batch(batch)
        writer.done_writing()
        answer = reader.read()
    return answer.to_pybytes() if answer is not None else None


def test_ingest_policies_must_be_said(client):
    batch = pa.record_batch([pa.array([1])], names=["x"])
    with pytest.raises(pa.ArrowInvalid, match="if_exists"):
        put(client, command("CommandStatementIngest", table="t", table_definition_options={"if_not_exist": 1}), batch)
    with pytest.raises(pa.ArrowInvalid, match="if_not_exist"):
        put(client, command("CommandStatementIngest", table="t", table_definition_options={"if_exists": 1}), batch)
    with pytest.raises(pa.ArrowInvalid, match="no table"):
        put(client, command("CommandStatementIngest", table_definition_options={"if_not_exist": 1, "if_exists": 1}), batch)
    answer = put(client, command(
        "CommandStatementIngest", table="ingested", table_definition_options={"if_not_exist": 1, "if_exists": 3}, options={"a": "b"}), batch)
    assert proto.message("DoPutUpdateResult").FromString(answer).record_count == 1
    assert "ingest create replace [\"a=b\"]" in calls(client)


def test_prepared_statements(client):
    def prepare(sql):
        [body] = act(client, "CreatePreparedStatement", command("ActionCreatePreparedStatementRequest", query=sql))
        return proto.unwrap(body, "ActionCreatePreparedStatementResult")
    found = prepare("SELECT * FROM people WHERE id = ?")
    assert found.HasField("is_update") and not found.is_update
    assert pa.ipc.read_schema(pa.py_buffer(found.dataset_schema)).names == ["id", "name"]
    assert pa.ipc.read_schema(pa.py_buffer(found.parameter_schema)).types == [pa.int64()]
    answer = put(client, command("CommandPreparedStatementQuery", prepared_statement_handle=found.prepared_statement_handle),
                 pa.record_batch([pa.array([2, 3])], names=["whatever"]))
    bound = proto.message("DoPutPreparedStatementResult").FromString(answer)
    assert bound.prepared_statement_handle not in (b"", found.prepared_statement_handle)
    what = descriptor("CommandPreparedStatementQuery", prepared_statement_handle=bound.prepared_statement_handle)
    assert rows(client, what).to_pylist() == PEOPLE[1:]

    update = prepare("INSERT INTO empty VALUES (?, ?)")
    assert update.is_update and update.dataset_schema == b""
    assert pa.ipc.read_schema(pa.py_buffer(update.parameter_schema)).types == [pa.null(), pa.null()]
    close = command("ActionClosePreparedStatementRequest", prepared_statement_handle=update.prepared_statement_handle)
    assert act(client, "ClosePreparedStatement", close) == []
    with pytest.raises(KeyError, match="no such prepared statement"):
        act(client, "ClosePreparedStatement", close)


def test_savepoints(client):
    [body] = act(client, "BeginTransaction", command("ActionBeginTransactionRequest"))
    transaction = proto.unwrap(body, "ActionBeginTransactionResult").transaction_id
    update = command("CommandStatementUpdate", query="INSERT INTO people VALUES (4, 'x')", transaction_id=transaction)
    [body] = act(client, "BeginSavepoint", command("ActionBeginSavepointRequest", transaction_id=transaction, name="s"))
    savepoint = proto.unwrap(body, "ActionBeginSavepointResult").savepoint_id
    answer = put(client, update)
    assert proto.message("DoPutUpdateResult").FromString(answer).record_count == 1
    what = descriptor("CommandStatementQuery", query="SELECT * FROM people", transaction_id=transaction)
    assert rows(client, what).num_rows == 4
    act(client, "EndSavepoint", command("ActionEndSavepointRequest", savepoint_id=savepoint, action=2))
    assert rows(client, what).num_rows == 3
    act(client, "EndSavepoint", command("ActionEndSavepointRequest", savepoint_id=savepoint, action=1))
    with pytest.raises(pa.ArrowInvalid, match="neither commit nor rollback"):
        act(client, "EndTransaction", command("ActionEndTransactionRequest", transaction_id=transaction))
    act(client, "EndTransaction", command("ActionEndTransactionRequest", transaction_id=transaction, action=2))
    with pytest.raises(KeyError, match="no such transaction"):
        client.get_flight_info(what)


def flight_message(name, /, **values):
    return proto.message(name)(**values)


def info_of(client, what):
    return proto.message("FlightInfo").FromString(client.get_flight_info(what).serialize())


def test_cancel_both_ways(client):
    for new in (True, False):
        info = info_of(client, descriptor("CommandStatementQuery", query="SLEEP"))
        reader = client.do_get(flight.Ticket(info.endpoint[0].ticket.ticket))
        assert reader.read_chunk().data.num_rows == 1
        if new:
            [body] = act(client, "CancelFlightInfo", flight_message("CancelFlightInfoRequest", info=info).SerializeToString())
            assert proto.message("CancelFlightInfoResult").FromString(body).status == 1
        else:
            [body] = act(client, "CancelQuery", command("ActionCancelQueryRequest", info=info.SerializeToString()))
            assert proto.unwrap(body, "ActionCancelQueryResult").result == 1
        with pytest.raises(flight.FlightCancelledError):
            while True:
                reader.read_chunk()
    info.endpoint[0].ticket.ticket = command("TicketStatementQuery", statement_handle=b"unknown")
    with pytest.raises(KeyError, match="no such query"):
        act(client, "CancelFlightInfo", flight_message("CancelFlightInfoRequest", info=info).SerializeToString())
    metadata = info_of(client, descriptor("CommandGetTables"))
    [body] = act(client, "CancelFlightInfo", flight_message("CancelFlightInfoRequest", info=metadata).SerializeToString())
    assert proto.message("CancelFlightInfoResult").FromString(body).status == 3


def test_renewing(client):
    info = info_of(client, descriptor("CommandStatementQuery", query="SELECT * FROM people"))
    [body] = act(client, "RenewFlightEndpoint", flight_message("RenewFlightEndpointRequest", endpoint=info.endpoint[0]).SerializeToString())
    renewed = proto.message("FlightEndpoint").FromString(body)
    assert renewed.ticket == info.endpoint[0].ticket and renewed.expiration_time.seconds == 5_000_000_000


def test_polling(uri):
    with grpc.insecure_channel(uri.removeprefix("grpc://")) as channel:
        poll = channel.unary_unary(
            "/arrow.flight.protocol.FlightService/PollFlightInfo", request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=proto.message("PollInfo").FromString)
        cancel = channel.unary_stream(
            "/arrow.flight.protocol.FlightService/DoAction", request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=proto.message("Result").FromString)
        ask = proto.message("FlightDescriptor")(type=2, cmd=command("CommandStatementQuery", query="POLL 3"))
        seen = []
        while True:
            answer = poll(ask, timeout=10)
            seen.append(answer.progress)
            assert answer.info.schema
            if not answer.HasField("flight_descriptor"):
                break
            assert not answer.info.endpoint and answer.expiration_time.seconds == 4_000_000_000
            last, ask = answer.info, answer.flight_descriptor
        assert len(answer.info.endpoint) == 1
        assert seen == [0.0, pytest.approx(1 / 3), pytest.approx(2 / 3), 1.0]
        # What is polled can be cancelled by its info, although it has no ticket yet.
        body = flight_message("CancelFlightInfoRequest", info=last).SerializeToString()
        [result] = list(cancel(proto.message("Action")(type="CancelFlightInfo", body=body), timeout=10))
        assert proto.message("CancelFlightInfoResult").FromString(result.body).status == 1
        complete = poll(proto.message("FlightDescriptor")(type=2, cmd=command("CommandGetTables")), timeout=10)
        assert complete.progress == 1.0 and len(complete.info.endpoint) == 1 and not complete.HasField("flight_descriptor")
    with flight.connect(uri) as client:
        assert "cancel 0/3" in calls(client)


def test_sessions(client):
    options = flight_message("SetSessionOptionsRequest")
    options.session_options["s"].string_value = ""
    options.session_options["i"].int64_value = -5
    options.session_options["d"].double_value = 0.5
    options.session_options["l"].string_list_value.values.extend(["a", ""])
    options.session_options["no-no"].bool_value = True
    [body] = act(client, "SetSessionOptions", options.SerializeToString())
    errors = proto.message("SetSessionOptionsResult").FromString(body).errors
    assert {name: error.value for name, error in errors.items()} == {"no-no": 1}
    # Some clients wrap these requests, too.
    [body] = act(client, "GetSessionOptions", proto.wrap(flight_message("GetSessionOptionsRequest")))
    found = proto.message("GetSessionOptionsResult").FromString(body).session_options
    del options.session_options["no-no"]
    assert dict(found) == dict(options.session_options)
    [body] = act(client, "CloseSession")
    assert proto.message("CloseSessionResult").FromString(body).status == 1


def test_changed_commands_do_no_harm(client):
    dice = random.Random(11)
    seeds = [command(name, **values) for name, values in COMMANDS.values()]
    seeds += [command("CommandStatementQuery", query="SELECT * FROM people"), command("CommandGetSqlInfo", info=[1, 2, 3])]
    outcomes = set()
    for _ in range(400):
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.randrange(1, 4)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        try:
            client.get_flight_info(flight.FlightDescriptor.for_command(bytes(data)))
            outcomes.add("fine")
        except (pa.ArrowException, NotImplementedError, KeyError, flight.FlightError) as error:
            assert "INTERNAL" not in str(error), error
            outcomes.add(type(error).__name__)
    assert "ArrowInvalid" in outcomes
    assert rows(client, descriptor("CommandStatementQuery", query="SELECT * FROM empty")).num_rows == 0
