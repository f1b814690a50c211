"""What Arrow's flight-sql-jdbc-driver sends, call by call, and what it relies on in the answers. A replay written after its source: no Java runs here."""
import base64

import grpc
import pyarrow as pa
import pytest
from pyarrow import flight

import flightsql_proto as proto
from sqlserver import SERVICE, command, serve_sql, update

# The classes that the driver casts the values of GetSqlInfo to (ArrowDatabaseMetadata): another type there is a ClassCastException.
STRINGS = "FLIGHT_SQL_SERVER_NAME FLIGHT_SQL_SERVER_VERSION SQL_IDENTIFIER_QUOTE_CHAR SQL_SEARCH_STRING_ESCAPE SQL_EXTRA_NAME_CHARACTERS SQL_SCHEMA_TERM SQL_PROCEDURE_TERM SQL_CATALOG_TERM".split()
LISTS = "SQL_KEYWORDS SQL_NUMERIC_FUNCTIONS SQL_STRING_FUNCTIONS SQL_SYSTEM_FUNCTIONS SQL_DATETIME_FUNCTIONS".split()
MAPS = ["SQL_SUPPORTS_CONVERT"]
LONGS = """SQL_MAX_BINARY_LITERAL_LENGTH SQL_MAX_CHAR_LITERAL_LENGTH SQL_MAX_COLUMN_NAME_LENGTH SQL_MAX_COLUMNS_IN_GROUP_BY SQL_MAX_COLUMNS_IN_INDEX
    SQL_MAX_COLUMNS_IN_ORDER_BY SQL_MAX_COLUMNS_IN_SELECT SQL_MAX_COLUMNS_IN_TABLE SQL_MAX_CONNECTIONS SQL_MAX_CURSOR_NAME_LENGTH SQL_MAX_INDEX_LENGTH
    SQL_DB_SCHEMA_NAME_LENGTH SQL_MAX_PROCEDURE_NAME_LENGTH SQL_MAX_CATALOG_NAME_LENGTH SQL_MAX_ROW_SIZE SQL_MAX_STATEMENT_LENGTH SQL_MAX_STATEMENTS
    SQL_MAX_TABLE_NAME_LENGTH SQL_MAX_TABLES_IN_SELECT SQL_MAX_USERNAME_LENGTH SQL_DEFAULT_TRANSACTION_ISOLATION""".split()
INTEGERS = """SQL_SUPPORTED_GROUP_BY SQL_SUPPORTED_GRAMMAR SQL_ANSI92_SUPPORTED_LEVEL SQL_OUTER_JOINS_SUPPORT_LEVEL SQL_SCHEMAS_SUPPORTED_ACTIONS
    SQL_CATALOGS_SUPPORTED_ACTIONS SQL_SUPPORTED_POSITIONED_COMMANDS SQL_SUPPORTED_RESULT_SET_TYPES SQL_SUPPORTED_SUBQUERIES SQL_SUPPORTED_UNIONS
    SQL_SUPPORTED_TRANSACTIONS_ISOLATION_LEVELS""".split()
BOOLEANS = """FLIGHT_SQL_SERVER_READ_ONLY SQL_SUPPORTS_COLUMN_ALIASING SQL_NULL_PLUS_NULL_IS_NULL SQL_SUPPORTS_TABLE_CORRELATION_NAMES
    SQL_SUPPORTS_DIFFERENT_TABLE_CORRELATION_NAMES SQL_SUPPORTS_EXPRESSIONS_IN_ORDER_BY SQL_SUPPORTS_ORDER_BY_UNRELATED SQL_SUPPORTS_LIKE_ESCAPE_CLAUSE
    SQL_SUPPORTS_NON_NULLABLE_COLUMNS SQL_SUPPORTS_INTEGRITY_ENHANCEMENT_FACILITY SQL_CATALOG_AT_START SQL_SELECT_FOR_UPDATE_SUPPORTED
    SQL_STORED_PROCEDURES_SUPPORTED SQL_CORRELATED_SUBQUERIES_SUPPORTED SQL_MAX_ROW_SIZE_INCLUDES_BLOBS SQL_TRANSACTIONS_SUPPORTED
    SQL_DATA_DEFINITION_CAUSES_TRANSACTION_COMMIT SQL_DATA_DEFINITIONS_IN_TRANSACTIONS_IGNORED SQL_BATCH_UPDATES_SUPPORTED SQL_SAVEPOINTS_SUPPORTED
    SQL_NAMED_PARAMETERS_SUPPORTED SQL_LOCATORS_UPDATE_COPY SQL_STORED_FUNCTIONS_USING_CALL_SYNTAX_SUPPORTED""".split()
KINDS = {"string_value": STRINGS, "bool_value": BOOLEANS, "bigint_value": LONGS, "int32_bitmask": INTEGERS, "string_list": LISTS, "int32_to_int32_list_map": MAPS}

KEYS = ["pk_catalog_name", "pk_db_schema_name", "pk_table_name", "pk_column_name", "fk_catalog_name", "fk_db_schema_name", "fk_table_name", "fk_column_name", "key_sequence", "fk_key_name", "pk_key_name", "update_rule", "delete_rule"]
# By name, as VectorSchemaRootTransformer takes them; what has another name is not found.
METADATA = [
    ("CommandGetCatalogs", {}, ["catalog_name"]),
    ("CommandGetDbSchemas", {}, ["catalog_name", "db_schema_name"]),
    ("CommandGetDbSchemas", {"db_schema_filter_pattern": "m%"}, ["catalog_name", "db_schema_name"]),
    ("CommandGetTableTypes", {}, ["table_type"]),
    ("CommandGetTables", {"include_schema": False}, ["catalog_name", "db_schema_name", "table_name", "table_type"]),
    ("CommandGetTables", {"table_name_filter_pattern": "own%", "table_types": ["TABLE", "VIEW"], "include_schema": False}, ["catalog_name", "db_schema_name", "table_name", "table_type"]),
    ("CommandGetPrimaryKeys", {"table": "owners"}, ["catalog_name", "db_schema_name", "table_name", "column_name", "key_sequence", "key_name"]),
    ("CommandGetImportedKeys", {"table": "pets"}, KEYS),
    ("CommandGetExportedKeys", {"table": "owners"}, KEYS),
    ("CommandGetCrossReference", {"pk_table": "owners", "fk_table": "pets"}, KEYS),
]


@pytest.fixture(scope="module", params=[False, True], ids=["open", "with a password"])
def jdbc(programs, tmp_path_factory, request):
    words = ["--user", "ann:s:cret", "--insecure"] if request.param else []
    with serve_sql(programs, tmp_path_factory.mktemp("jdbc"), *words) as server:
        yield Driver(server, "ann:s:cret" if request.param else None)


class Driver:
    """One connection of the driver's: its client, its credentials and its cookies."""

    def __init__(self, server, basic):
        self.server, self.cookies = server, {}
        self.client = flight.connect(server.uri, middleware=[Cookies(self.cookies)])
        self.headers = [self.handshake(basic)] if basic else []
        for sql in ("CREATE TABLE owners (id INTEGER PRIMARY KEY, name TEXT NOT NULL)", "CREATE TABLE pets (id INTEGER PRIMARY KEY, owner INTEGER REFERENCES owners (id), name TEXT)"):
            assert self.execute_update(self.prepare(sql)) in (-1, 0)

    @property
    def options(self):
        return flight.FlightCallOptions(headers=self.headers)

    def handshake(self, basic):
        """An empty request with a Basic header; the token is in the answer's headers, which come with the stream's end."""
        with grpc.insecure_channel(self.server.uri.removeprefix("grpc://")) as channel:
            call = channel.stream_stream(SERVICE + "Handshake")(iter([b""]), metadata=[("authorization", "Basic " + base64.b64encode(basic.encode()).decode())], timeout=10)
            assert len(list(call)) <= 1
            [token] = [value for name, value in call.initial_metadata() if name == "authorization"]
        assert token.startswith("Bearer ")
        return (b"authorization", token.encode())

    # FlightSqlClient

    def act(self, kind, body):
        return [result.body.to_pybytes() for result in self.client.do_action(flight.Action(kind, body), self.options)]

    def info(self, name, **values):
        return self.client.get_flight_info(flight.FlightDescriptor.for_command(command(name, **values)), self.options)

    def streams(self, info):
        """`getStreams`: all endpoints at once, on the connection where they name no location."""
        assert all(not endpoint.locations for endpoint in info.endpoints)
        tables = [self.client.do_get(endpoint.ticket, self.options).read_all() for endpoint in info.endpoints]
        assert all(table.schema.equals(info.schema) for table in tables)
        return pa.concat_tables(tables)

    def prepare(self, sql):
        [body] = self.act("CreatePreparedStatement", command("ActionCreatePreparedStatementRequest", query=sql))
        return proto.unwrap(body, "ActionCreatePreparedStatementResult")

    def put(self, name, statement, parameters):
        """The schema, one batch even if it has no column, the end; then the first answer."""
        descriptor = flight.FlightDescriptor.for_command(command(name, prepared_statement_handle=statement.prepared_statement_handle))
        writer, reader = self.client.do_put(descriptor, parameters.schema, self.options)
        with writer:
            writer.write_batch(parameters)
            writer.done_writing()
            answer = reader.read()
        return None if answer is None else answer.to_pybytes()

    def execute_update(self, statement, parameters=None):
        answer = self.put("CommandPreparedStatementUpdate", statement, parameters if parameters is not None else pa.record_batch([], names=[]))
        assert answer is not None, "the driver reads one answer without asking whether there is any"
        return proto.message("DoPutUpdateResult").FromString(answer).record_count

    def execute_query(self, statement, parameters=None):
        if parameters is not None:
            answer = self.put("CommandPreparedStatementQuery", statement, parameters)
            if answer:
                handle = proto.message("DoPutPreparedStatementResult").FromString(answer).prepared_statement_handle
                statement.prepared_statement_handle = handle or statement.prepared_statement_handle
        return self.streams(self.info("CommandPreparedStatementQuery", prepared_statement_handle=statement.prepared_statement_handle))

    def close(self, statement):
        assert self.act("ClosePreparedStatement", command("ActionClosePreparedStatementRequest", prepared_statement_handle=statement.prepared_statement_handle)) == []


class Cookies(flight.ClientMiddlewareFactory):
    """ClientCookieMiddleware: what is set is sent from then on."""

    def __init__(self, cookies):
        self.cookies = cookies

    def start_call(self, info):
        factory = self

        class Middleware(flight.ClientMiddleware):
            def sending_headers(self):
                return {"cookie": "; ".join(f"{name}={value}" for name, value in factory.cookies.items())} if factory.cookies else {}

            def received_headers(self, headers):
                for value in headers.get("set-cookie", []):
                    name, _, rest = value.partition("=")
                    factory.cookies[name] = rest.split(";")[0]
        return Middleware()


def schema_of(serialized):
    return pa.ipc.read_schema(pa.py_buffer(serialized)) if serialized else pa.schema([])


def test_sql_info_has_the_types_that_the_driver_casts_to(jdbc):
    """All of it at once: the driver asks without a list and keeps the answer."""
    table = jdbc.streams(jdbc.info("CommandGetSqlInfo"))
    assert table.column_names == ["info_name", "value"] and table.schema.field("info_name").type == pa.uint32()
    numbers, known = table.column("info_name").to_pylist(), proto.enum("SqlInfo")
    names = {value.number: name for name, value in known.items()}
    assert set(numbers) <= set(names), "what the driver's enumeration does not have is a NullPointerException"
    assert len(set(numbers)) == len(numbers)
    kind_of = {name: kind for kind, members in KINDS.items() for name in members}
    values = table.column("value").combine_chunks()
    children = [values.type.field(i).name for i in range(values.type.num_fields)]
    for place, number in enumerate(numbers):
        kind = children[values.type_codes[place].as_py()]
        assert kind == kind_of.get(names[number], kind), names[number]
    told = {names[number] for number in numbers}
    # What the driver or DBeaver asks for when they connect.
    assert {"FLIGHT_SQL_SERVER_NAME", "FLIGHT_SQL_SERVER_VERSION", "FLIGHT_SQL_SERVER_READ_ONLY", "SQL_IDENTIFIER_QUOTE_CHAR", "SQL_KEYWORDS", "SQL_TRANSACTIONS_SUPPORTED"} <= told


@pytest.mark.parametrize("name, values, columns", METADATA)
def test_metadata_by_the_names_that_the_driver_renames(jdbc, name, values, columns):
    table = jdbc.streams(jdbc.info(name, **values))
    assert sorted(table.column_names) == sorted(columns)
    if "Keys" in name or "Cross" in name:
        assert table.num_rows == 1


def test_columns_come_from_the_schemas_of_tables(jdbc):
    """`getColumns`: tables with their schemas, which are taken apart by the driver."""
    table = jdbc.streams(jdbc.info("CommandGetTables", table_name_filter_pattern="%", include_schema=True))
    assert table.column_names == ["catalog_name", "db_schema_name", "table_name", "table_type", "table_schema"]
    assert table.schema.field("table_schema").type == pa.binary()
    schemas = {row["table_name"]: schema_of(row["table_schema"]) for row in table.to_pylist()}
    owners = schemas["owners"]
    assert owners.names == ["id", "name"] and owners.field("name").type == pa.utf8() and not owners.field("name").nullable
    assert owners.field("name").metadata[b"ARROW:FLIGHT:SQL:TYPE_NAME"] == b"TEXT"
    assert "sql_data" in schemas


def test_statements_are_prepared_all_of_them(jdbc):
    """`Statement.execute`: an empty dataset schema is an update, anything else a query."""
    select = jdbc.prepare("SELECT name, age FROM sql_data ORDER BY name")
    assert schema_of(select.dataset_schema).names == ["name", "age"] and not select.is_update
    assert jdbc.execute_query(select).column("name").to_pylist() == ["Alice", "Bob", "Charlie", "Daniel", "Eve"]
    # The same statement runs as often as it is asked to.
    assert jdbc.execute_query(select).num_rows == 5
    jdbc.close(select)
    for sql, count in (("INSERT INTO owners (name) VALUES ('Ann'), ('Ben')", 2), ("UPDATE owners SET name = name || '!' WHERE name = 'Ann'", 1), ("DELETE FROM owners", 2), ("DELETE FROM owners", 0)):
        statement = jdbc.prepare(sql)
        assert schema_of(statement.dataset_schema).names == [] and statement.is_update, sql
        assert jdbc.execute_update(statement) == count, sql
        jdbc.close(statement)
    # One that both changes and returns is a query to the driver, and runs once.
    returning = jdbc.prepare("INSERT INTO owners (name) VALUES ('Eve') RETURNING id, name")
    assert schema_of(returning.dataset_schema).names == ["id", "name"]
    assert jdbc.execute_query(returning).column("name").to_pylist() == ["Eve"]
    jdbc.close(returning)
    count = jdbc.prepare("SELECT count(*) AS n FROM owners")
    assert jdbc.execute_query(count).to_pylist() == [{"n": 1}]
    jdbc.close(count)
    # The driver tests an empty result's schema as any other's.
    none = jdbc.prepare("SELECT id FROM owners WHERE 0")
    assert jdbc.execute_query(none).num_rows == 0
    jdbc.close(none)


def test_parameters_are_bound_by_the_types_of_their_schema(jdbc):
    """The driver makes vectors of the parameter schema's types and sets the values in them; into one of type null it can set nothing but NULL."""
    insert = jdbc.prepare("INSERT INTO pets (owner, name) VALUES (?, ?)")
    schema = schema_of(insert.parameter_schema)
    assert schema.types == [pa.int64(), pa.utf8()] and all(field.nullable for field in schema)
    # `executeBatch`: all sets of parameters in one batch, one count for all of them.
    assert jdbc.execute_update(insert, pa.record_batch([pa.array([None, None], schema.types[0]), pa.array(["Rex", None], schema.types[1])], schema=schema)) == 2
    jdbc.close(insert)
    select = jdbc.prepare("SELECT name FROM pets WHERE name LIKE ? OR id = ? LIMIT ?")
    schema = schema_of(select.parameter_schema)
    assert schema.types == [pa.utf8(), pa.int64(), pa.int64()]
    for pattern, count in (("R%", 1), ("x", 0)):
        bound = pa.record_batch([pa.array([pattern], pa.utf8()), pa.array([-1], pa.int64()), pa.array([10], pa.int64())], schema=schema)
        assert jdbc.execute_query(select, bound).num_rows == count
    jdbc.close(select)
    delete = jdbc.prepare("DELETE FROM pets WHERE name = ? OR name IS NULL")
    assert jdbc.execute_update(delete, pa.record_batch([pa.array(["Rex"])], schema=schema_of(delete.parameter_schema))) == 2
    jdbc.close(delete)


def test_errors_come_when_it_is_prepared(jdbc):
    for sql, error in (("SELEC 1", pa.ArrowInvalid), ("SELECT * FROM nowhere", Exception)):
        with pytest.raises(error):
            jdbc.prepare(sql)
    closed = jdbc.prepare("SELECT 1 AS one")
    jdbc.close(closed)
    with pytest.raises(Exception, match="no such prepared statement"):
        jdbc.execute_query(closed)


def test_the_catalog_as_a_session_option(jdbc):
    """`catalog=` in the URL: set when connecting, with a cookie from then on, and the session closed at the end. There is one catalog, without a name."""
    other = Driver.__new__(Driver)
    other.server, other.cookies, other.headers = jdbc.server, {}, jdbc.headers
    other.client = flight.connect(jdbc.server.uri, middleware=[Cookies(other.cookies)])
    request = proto.message("SetSessionOptionsRequest")()
    request.session_options["catalog"].string_value = ""
    [body] = other.act("SetSessionOptions", request.SerializeToString())
    assert not proto.message("SetSessionOptionsResult").FromString(body).errors
    assert other.cookies
    assert other.execute_query(other.prepare("SELECT 1 AS one")).to_pylist() == [{"one": 1}]
    [body] = other.act("CloseSession", b"")
    assert proto.message("CloseSessionResult").FromString(body).status == 1
    request.session_options["catalog"].string_value = "elsewhere"
    [body] = jdbc.act("SetSessionOptions", request.SerializeToString())
    assert "catalog" in proto.message("SetSessionOptionsResult").FromString(body).errors
