"""Who may call: passwords and tokens, by every way that clients have of showing them."""
import base64
import json

import adbc_driver_flightsql.dbapi as dbapi
import grpc
import pytest
from adbc_driver_flightsql import DatabaseOptions
from pyarrow import flight

from servers import Certificates, serve


def hashed(programs, name, password):
    return programs.fletch("password", name, stdin=f"{password}\n".encode()).stdout


@pytest.fixture(scope="module")
def server(programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    programs.fletch("sample", "-o", folder / "people.feather")
    (folder / "users.txt").write_bytes(b"# users\n\n" + hashed(programs, "ann", "s:cret") + hashed(programs, "zoë", "pass wörd"))
    words = [folder / "people.feather", "--users", folder / "users.txt", "--user", "bob:builder", "--token", "sesame"]
    with serve(programs, folder, *words) as server:
        yield server


def count(server, **options):
    with dbapi.connect(server.uri, db_kwargs=options, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM people")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("name, password", [("ann", "s:cret"), ("zoë", "pass wörd"), ("bob", "builder")])
def test_adbc_with_a_password(server, name, password):
    assert count(server, username=name, password=password) == 5


def test_adbc_with_a_token(server):
    assert count(server, **{DatabaseOptions.AUTHORIZATION_HEADER.value: "Bearer sesame"}) == 5


@pytest.mark.parametrize("options", [
    {}, {"username": "ann", "password": "wrong"}, {"username": "nobody", "password": "s:cret"},
    {"username": "ann", "password": ""},
    {DatabaseOptions.AUTHORIZATION_HEADER.value: "Bearer nonsense"},
    {DatabaseOptions.AUTHORIZATION_HEADER.value: "Digest x"},
    {DatabaseOptions.AUTHORIZATION_HEADER.value: "Basic !!"},
])
def test_adbc_without_a_right(server, options):
    with pytest.raises(dbapi.Error, match="(?i)unauthenticated"):
        count(server, **options)


def test_pyarrow_with_a_basic_token(server):
    client = flight.connect(server.uri)
    header = client.authenticate_basic_token("ann", "s:cret")
    assert header[0] == b"authorization" and header[1].startswith(b"Bearer ")
    options = flight.FlightCallOptions(headers=[header])
    info = client.get_flight_info(flight.FlightDescriptor.for_path("people"), options)
    assert client.do_get(info.endpoints[0].ticket, options).read_all().num_rows == 5
    with pytest.raises(flight.FlightUnauthenticatedError, match="user and password"):
        client.get_flight_info(flight.FlightDescriptor.for_path("people"))
    with pytest.raises(flight.FlightUnauthenticatedError, match="wrong"):
        client.authenticate_basic_token("ann", "wrong")


class Handshake(flight.ClientAuthHandler):
    """The older way: a message there, a token back, and that token with every call."""

    def __init__(self, name, password):
        super().__init__()
        self.basic, self.token = flight.BasicAuth(name, password), b""

    def authenticate(self, outgoing, incoming):
        outgoing.write(self.basic.serialize())
        self.token = incoming.read()

    def get_token(self):
        return self.token


def test_pyarrow_with_a_handshake(server):
    client = flight.connect(server.uri)
    client.authenticate(Handshake("bob", "builder"))
    assert len(list(client.list_flights())) == 1
    with pytest.raises(flight.FlightUnauthenticatedError):
        flight.connect(server.uri).authenticate(Handshake("bob", "wrong"))


def test_a_password_with_every_call_gets_one_token(server):
    header = (b"authorization", b"Basic " + base64.b64encode(b"bob:builder"))
    options = flight.FlightCallOptions(headers=[header])
    client = flight.connect(server.uri)
    for _ in range(3):
        assert len(list(client.list_flights(b"", options))) == 1


def test_our_client(programs, server):
    def query(*words, **options):
        return programs.fletch("query", server.uri, "SELECT count(*) AS n FROM people", *words, **options)
    assert json.loads(query("--user", "ann:s:cret").stdout) == {"n": 5}
    assert json.loads(query("--token", "sesame").stdout) == {"n": 5}
    assert "UNAUTHENTICATED" in query("--user", "ann:x", code=1).stderr.decode()
    assert "UNAUTHENTICATED" in query(code=1).stderr.decode()


def test_tickets_belong_to_their_user(server):
    def client(name, password):
        client = flight.connect(server.uri)
        return client, flight.FlightCallOptions(headers=[client.authenticate_basic_token(name, password)])
    (ann, as_ann), (bob, as_bob) = client("ann", "s:cret"), client("bob", "builder")
    ticket = ann.get_flight_info(flight.FlightDescriptor.for_command(b"SELECT 1 AS one"), as_ann).endpoints[0].ticket
    with pytest.raises(KeyError):
        bob.do_get(ticket, as_bob).read_all()
    assert ann.do_get(ticket, as_ann).read_all().num_rows == 1


def test_health_needs_no_password(server):
    with grpc.insecure_channel("%s:%d" % server.host_and_port()) as channel:
        check = channel.unary_unary("/grpc.health.v1.Health/Check")
        assert check(b"", timeout=10) == b"\x08\x01"


def test_passwords_do_not_go_in_the_clear(programs, tmp_path):
    certificates = Certificates(tmp_path / "certs")
    open_words = ["serve", "--check", "--listen", "0.0.0.0:8815", "--user", "ann:x"]
    assert "passwords would go" in programs.fletch(*open_words, code=2).stderr.decode()
    printed = programs.fletch(*open_words, *certificates.server_words(mutual=False)).stdout.decode()
    assert "ann" not in printed, "secrets are not shown"
    programs.fletch(*open_words, "--insecure")
    words = ["--user", "ann:x", *certificates.server_words(mutual=False)]
    with serve(programs, tmp_path, *words) as server:
        client = flight.connect(server.uri.replace("grpc+tls://127.0.0.1", "grpc+tls://localhost"), **certificates.pyarrow(False))
        assert client.authenticate_basic_token("ann", "x")[1].startswith(b"Bearer ")


def test_a_damaged_file_of_users(programs, tmp_path):
    (tmp_path / "users.txt").write_text("ann:x:y\n")
    assert "users.txt:1:" in programs.error("serve", "--users", tmp_path / "users.txt", "--listen", "localhost:0")
    assert "NAME:PASSWORD" in programs.fletch("serve", "--user", "ann", code=2).stderr.decode()
