"""What the tests of SQL share: a server with tables to ask for, hand-made commands, and how they are sent."""
import contextlib
import pathlib

import adbc_driver_flightsql.dbapi as dbapi
import grpc
from pyarrow import flight

import flightsql_proto as proto
from servers import serve

TOP = pathlib.Path(__file__).resolve().parents[2]
PEOPLE = TOP / "data" / "sql_data.feather"
SERVICE = "/arrow.flight.protocol.FlightService/"


@contextlib.contextmanager
def serve_sql(programs, folder, *words, **options):
    """`fletch serve` with the five people as `sql_data`, also known as `feather_table`."""
    with serve(programs, folder, PEOPLE, "--alias", "feather_table=sql_data", *words, **options) as server:
        yield server


def connect(server, autocommit=True, **options):
    return dbapi.connect(server.uri, autocommit=autocommit, db_kwargs=options)


def ask(server, sql, parameters=None):
    """The rows of a statement, by a connection of its own."""
    with connect(server) as connection, connection.cursor() as cursor:
        return cursor.execute(sql, parameters).fetchall()


def update(server, *statements):
    with connect(server) as connection, connection.cursor() as cursor:
        for sql in statements:
            cursor.adbc_statement.set_sql_query(sql)
            cursor.adbc_statement.execute_update()


def command(name, /, **values):
    return proto.wrap(proto.message(name)(**values))


def descriptor(name, /, **values):
    return flight.FlightDescriptor.for_command(command(name, **values))


def statement(sql, **values):
    return descriptor("CommandStatementQuery", query=sql, **values)


def act(client, kind, body=b"", options=None):
    return [result.body.to_pybytes() for result in client.do_action(flight.Action(kind, body), options)]


def put(client, what, batch=None, options=None):
    """The metadata that a DoPut is answered with."""
    import pyarrow as pa
    writer, reader = client.do_put(flight.FlightDescriptor.for_command(what), batch.schema if batch is not None else pa.schema([]), options)
    with writer:
        if batch is not None:
            writer.write_batch(batch)
        writer.done_writing()
        answer = reader.read()
    return answer.to_pybytes() if answer is not None else None


def run_update(client, sql, options=None, **values):
    """How many rows an update changed."""
    answer = put(client, command("CommandStatementUpdate", query=sql, **values), options=options)
    return proto.message("DoPutUpdateResult").FromString(answer).record_count


def prepare(client, sql, **values):
    [body] = act(client, "CreatePreparedStatement", command("ActionCreatePreparedStatementRequest", query=sql, **values))
    return proto.unwrap(body, "ActionCreatePreparedStatementResult")


def begin(client):
    [body] = act(client, "BeginTransaction", command("ActionBeginTransactionRequest"))
    return proto.unwrap(body, "ActionBeginTransactionResult").transaction_id


def end(client, transaction, commits=True):
    act(client, "EndTransaction", command("ActionEndTransactionRequest", transaction_id=transaction, action=1 if commits else 2))


def info_of(client, what):
    """A FlightInfo as Flight's own message."""
    return proto.message("FlightInfo").FromString(client.get_flight_info(what).serialize())


class Raw:
    """Flight's calls by grpcio, as messages, for what pyarrow has no method for."""

    def __init__(self, server):
        self.channel = grpc.insecure_channel(server.uri.removeprefix("grpc://"), [("grpc.max_receive_message_length", -1)])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def _unary(self, name, answer):
        return self.channel.unary_unary(SERVICE + name, lambda message: message.SerializeToString(), proto.message(answer).FromString)

    def _stream(self, name, answer):
        return self.channel.unary_stream(SERVICE + name, lambda message: message.SerializeToString(), proto.message(answer).FromString)

    def poll(self, what, **options):
        return self._unary("PollFlightInfo", "PollInfo")(what, timeout=30, **options)

    def info(self, what, **options):
        return self._unary("GetFlightInfo", "FlightInfo")(what, **{"timeout": 30, **options})

    def get(self, ticket, **options):
        return self._stream("DoGet", "FlightData")(ticket, **{"timeout": 60, **options})

    def act(self, kind, message, **options):
        body = message if isinstance(message, bytes) else message.SerializeToString()
        return [result.body for result in self._stream("DoAction", "Result")(proto.message("Action")(type=kind, body=body), timeout=30, **options)]


def raw_statement(sql, **values):
    """A statement's descriptor as Flight's own message."""
    return proto.message("FlightDescriptor")(type=2, cmd=command("CommandStatementQuery", query=sql, **values))
