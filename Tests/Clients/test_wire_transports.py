"""Every call of Flight, health, reflection and ArrowLink, over TCP, TLS, mutual TLS and Unix sockets, by clients that are not ours."""
import json
import signal
import socket
import subprocess
import threading
import time

import grpc
import pyarrow as pa
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from pyarrow import flight

from servers import Certificates, serve, wait_until
from test_arrowlink import ArrowData, Empty, Stub, table_of

SERVICE = "/arrow.flight.protocol.FlightService/"


class Wire:
    """A way to reach a server, as each kind of client is told of it."""

    def __init__(self, kind, certificates, socket):
        self.kind, self.certificates, self.socket = kind, certificates, socket
        self.is_tls, self.is_mutual = kind in ("tls", "mutual"), kind == "mutual"

    @property
    def listen(self):
        return f"unix:{self.socket}" if self.kind == "unix" else "localhost:0"

    def server_words(self):
        return self.certificates.server_words(self.is_mutual) if self.is_tls else []

    def target(self, address):
        """An address by the name that the certificate is for."""
        return f"unix:{self.socket}" if self.kind == "unix" else "localhost:" + address.rsplit(":", 1)[1]

    def uri(self, address):
        if self.kind == "unix":
            return f"grpc+unix://{self.socket}"
        return f"{'grpc+tls' if self.is_tls else 'grpc'}://{self.target(address)}"

    def flight(self, address):
        return flight.connect(self.uri(address), **(self.certificates.pyarrow(self.is_mutual) if self.is_tls else {}))

    def channel(self, address):
        if self.is_tls:
            return grpc.secure_channel(self.target(address), self.certificates.grpcio(self.is_mutual))
        return grpc.insecure_channel(self.target(address))

    def fletch(self):
        """Options of our own client."""
        words = ["--tls-ca", self.certificates.path("ca.pem")] if self.is_tls else []
        if self.is_mutual:
            words += ["--tls-cert", self.certificates.path("client.pem"), "--tls-key", self.certificates.path("client.key")]
        return words


@pytest.fixture(params=["tcp", "tls", "mutual", "unix"])
def wire(request, certificates, tmp_path):
    return Wire(request.param, certificates, tmp_path / "socket")


@pytest.fixture(scope="module")
def data(programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("wire")
    programs.fletch("sample", "--rows", "2500", "-o", folder / "people.feather")
    programs.fletch("sample", "--kind", "types", "--rows", "300", "-o", folder / "types.feather")
    return folder


@pytest.fixture
def server(programs, data, tmp_path, wire):
    words = [data, "--database", tmp_path / "database", "--arrowlink", "people", *wire.server_words()]
    with serve(programs, tmp_path, *words, listen=[wire.listen]) as server:
        yield server


@pytest.fixture
def echo(programs, wire):
    """The echo program's address."""
    words = ["tls", *wire.server_words()[1::2]] if wire.is_tls else []
    process = subprocess.Popen([programs.folder / "fletch-grpc-echo", "serve",
                                wire.listen.replace("localhost", "127.0.0.1"), *map(str, words)],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield process.stdout.readline().strip()
    process.stdin.close()
    assert process.wait(20) == 0


def people(data):
    return pa.ipc.open_file(str(data / "people.feather")).read_all()


def test_every_call_on_files(server, wire, data):
    table, descriptor = people(data), flight.FlightDescriptor.for_path("people")
    with wire.flight(server.uri) as client:
        assert {info.descriptor.path[0] for info in client.list_flights()} == {b"people", b"types"}
        info = client.get_flight_info(descriptor)
        assert info.schema.equals(table.schema) and info.total_records == 2500
        assert client.get_schema(descriptor).schema.equals(table.schema)
        assert client.do_get(info.endpoints[0].ticket).read_all().equals(table)
        writer, reader = client.do_put(flight.FlightDescriptor.for_path("copy"), table.schema)
        writer.write_table(table)
        writer.done_writing()
        assert json.loads(reader.read().to_pybytes()) == {"rows": 2500}
        writer.close()
        assert client.do_get(flight.Ticket(b"copy")).read_all().equals(table)
        assert all(action.type for action in client.list_actions())
        with pytest.raises(NotImplementedError, match="no action 'dance'"):
            list(client.do_action(flight.Action("dance", b"")))
        with pytest.raises(NotImplementedError, match="xchange"):
            writer, reader = client.do_exchange(descriptor)
            writer.begin(table.schema)
            reader.read_chunk()
        with pytest.raises(NotImplementedError, match="handshake"):
            client.authenticate_basic_token("user", "password")


def test_poll_flight_info(server, wire):
    """pyarrow has no call for it; what comes back begins with the FlightInfo and says that it is complete."""
    with wire.channel(server.uri) as channel:
        poll = channel.unary_unary(SERVICE + "PollFlightInfo")
        answer = poll(b"\x08\x01\x1a\x06people", timeout=10)
        assert answer[:1] == b"\x0a" and b"people_ticket" in answer and answer[-8:] == b"\0\0\0\0\0\0\xf0\x3f"
        with pytest.raises(grpc.RpcError) as failure:
            poll(b"\x08\x01\x1a\x04none", timeout=10)
        assert failure.value.code() == grpc.StatusCode.NOT_FOUND


def test_every_type_both_ways(programs, server, wire, data, tmp_path):
    source = pa.ipc.open_file(pa.memory_map(str(data / "types.feather")))
    with wire.flight(server.uri) as client:
        reader = client.do_get(flight.Ticket(b"types"))
        assert reader.schema.equals(source.schema, check_metadata=True)
        with pa.OSFile(str(tmp_path / "got.feather"), "wb") as sink, pa.ipc.new_file(sink, reader.schema) as writer:
            for chunk in reader:
                chunk.data.validate(full=True)
                writer.write_batch(chunk.data)
        writer, _ = client.do_put(flight.FlightDescriptor.for_path("again"), source.schema)
        for i in range(source.num_record_batches):
            writer.write_batch(source.get_batch(i))
        writer.close()
    programs.fletch("get", wire.uri(server.uri), "again", "-o", tmp_path / "again.feather", *wire.fletch())
    wanted = programs.cat(data / "types.feather")
    assert programs.cat(tmp_path / "got.feather") == wanted and programs.cat(tmp_path / "again.feather") == wanted


def test_other_services(server, wire, data):
    with wire.channel(server.uri) as channel:
        Request, Response = health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse
        assert health_pb2_grpc.HealthStub(channel).Check(Request(), timeout=10).status == Response.SERVING
        names = set(ProtoReflectionDescriptorDatabase(channel).get_services())
        assert {"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"} <= names
        stub = Stub(channel)
        assert table_of(answer.payload for answer in stub.get(Empty(), timeout=10)).equals(people(data))
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, people(data).schema) as writer:
            writer.write_table(people(data))
        assert "2500 rows" in stub.send(iter([ArrowData(payload=sink.getvalue().to_pybytes())]), timeout=10).message


def test_exchange(echo, wire, data):
    """Both directions at once, with metadata, and turn by turn."""
    table = people(data)
    with wire.flight(echo) as client:
        writer, reader = client.do_exchange(flight.FlightDescriptor.for_command(b"echo"))
        with writer:
            writer.begin(table.schema)
            for i, batch in enumerate(table.to_batches(max_chunksize=300)):
                writer.write_with_metadata(batch, f"batch {i}".encode())
                chunk = reader.read_chunk()
                assert chunk.data.equals(batch) and chunk.app_metadata.to_pybytes() == f"batch {i}".encode()
            writer.write_metadata(b"alone")
            chunk = reader.read_chunk()
            assert chunk.data is None and chunk.app_metadata.to_pybytes() == b"alone"
            writer.done_writing()
            with pytest.raises(StopIteration):
                reader.read_chunk()


def test_a_large_exchange_does_not_block_itself(echo, wire):
    """More than any window holds, written by one thread while another reads."""
    batch, count = pa.record_batch([pa.array(range(200_000))], names=["x"]), 40
    with wire.flight(echo) as client:
        writer, reader = client.do_exchange(flight.FlightDescriptor.for_command(b"echo"))
        writer.begin(batch.schema)

        def write():
            for _ in range(count):
                writer.write_batch(batch)
            writer.done_writing()

        thread = threading.Thread(target=write)
        thread.start()
        assert reader.read_all().num_rows == count * 200_000
        thread.join()
        writer.close()


def test_exchange_that_fails_in_the_middle(echo, wire, data):
    table = people(data)
    with wire.flight(echo) as client:
        writer, reader = client.do_exchange(flight.FlightDescriptor.for_command(b"fail"))
        writer.begin(table.schema)
        writer.write_batch(table.to_batches()[0])
        assert reader.read_chunk().data.equals(table.to_batches()[0])
        with pytest.raises(pa.ArrowException, match="as the command says"):
            reader.read_chunk()
        # Only metadata, and nothing at all, are exchanges too.
        writer, reader = client.do_exchange(flight.FlightDescriptor.for_command(b"metadata"))
        writer.write_metadata(b"hello")
        writer.done_writing()
        assert reader.read_chunk().app_metadata.to_pybytes() == b"hello"


def test_actions(echo, wire):
    with wire.flight(echo) as client:
        assert [action.type for action in client.list_actions()] == ["double", "count"]
        results = client.do_action(flight.Action("double", b"\0body\xff"))
        assert [result.body.to_pybytes() for result in results] == [b"\0body\xff"] * 2
        assert len(list(client.do_action(flight.Action("count", b"10000")))) == 10_000
        with pytest.raises(NotImplementedError, match="no action 'x'"):
            list(client.do_action(flight.Action("x", b"")))


def test_polling(echo, wire):
    with wire.channel(echo) as channel:
        poll = channel.unary_unary(SERVICE + "PollFlightInfo")
        first, last = poll(b"\x08\x02\x12\x010", timeout=10), poll(b"\x08\x02\x12\x012", timeout=10)
        assert b"\x12\x05\x08\x02\x12\x011" in first, "the descriptor to ask with again"
        assert last.endswith(b"\x19\0\0\0\0\0\0\xf0\x3f"), "complete"


def served_certificate(port):
    """The certificate that a new connection gets, as openssl prints it."""
    done = subprocess.run(["openssl", "s_client", "-connect", f"localhost:{port}", "-alpn", "h2"], input=b"",
                          capture_output=True, timeout=10)
    return subprocess.run(["openssl", "x509", "-noout", "-serial"], input=done.stdout, capture_output=True,
                          check=True).stdout


def test_certificates_are_read_again_on_sighup(programs, data, tmp_path):
    """New connections get the new certificate; calls that run are not touched; files that are no good change nothing."""
    (tmp_path / "certs").mkdir()
    now = Certificates(tmp_path / "certs")
    words = [data / "people.feather", *now.server_words(False)]
    with serve(programs, tmp_path, *words) as server:
        port = server.host_and_port()[1]
        uri = f"grpc+tls://localhost:{port}"
        with flight.connect(uri, **now.pyarrow(False)) as old:
            reader = old.do_get(flight.Ticket(b"people"))
            first = served_certificate(port)
            now.path("server.pem").write_text("no certificate")
            server.process.send_signal(signal.SIGHUP)
            assert wait_until(lambda: "stay as they were" in server.log.read_text())
            assert served_certificate(port) == first
            now = Certificates(tmp_path / "certs")
            server.process.send_signal(signal.SIGHUP)
            assert wait_until(lambda: "as they are now" in server.log.read_text())
            assert served_certificate(port) != first
            own = [("grpc.use_local_subchannel_pool", 1)]
            with flight.connect(uri, **now.pyarrow(False), generic_options=own) as new:
                assert new.do_get(flight.Ticket(b"people")).read_all().num_rows == 2500
            # The connection of before still carries calls, old ones and new.
            assert reader.read_all().num_rows == 2500
            assert old.do_get(flight.Ticket(b"people")).read_all().num_rows == 2500
        assert server.stop()[0] == 0


def test_unix_sockets_beside_tls(programs, data, tmp_path, certificates):
    """A Unix socket is its owner's by its file; TLS is for the others."""
    path = tmp_path / "s"
    words = [data / "people.feather", *certificates.server_words(True)]
    with serve(programs, tmp_path, *words, listen=["localhost:0", f"unix:{path}"]) as server:
        assert server.addresses[1] == f"grpc+unix://{path}" and path.stat().st_mode & 0o777 == 0o600
        with flight.connect(server.addresses[1]) as client:
            assert client.do_get(flight.Ticket(b"people")).read_all().num_rows == 2500


def test_limits_can_be_set(programs, data, tmp_path):
    words = ["--max-message-size", "64K", "--max-header-size", "2K", "--max-connections", "3", "--idle-time", "1s",
             "--max-streams", "7", "--database", tmp_path / "database"]
    with serve(programs, tmp_path, data / "people.feather", *words) as server:
        idle = server.descriptors()
        with flight.connect(server.uri) as client:
            table = pa.table({"x": range(100_000)})
            writer, _ = client.do_put(flight.FlightDescriptor.for_path("x"), table.schema)
            with pytest.raises(pa.ArrowException, match="larger than the limit"):
                writer.write_table(table)
                writer.close()
            long = flight.FlightCallOptions(headers=[(b"x-long", b"y" * 4000)])
            with pytest.raises(pa.ArrowException):
                list(client.list_flights(options=long))
            assert len(list(client.list_flights())) == 1
        # Three connections are taken, the fourth is closed; and after a second without calls all are.
        del writer
        assert wait_until(lambda: server.descriptors() <= idle)
        started = time.monotonic()
        connections = [socket.create_connection(server.host_and_port(), timeout=10) for _ in range(4)]
        for connection in connections:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        answers = []
        for connection in connections:
            answer = b""
            try:
                while more := connection.recv(4096):
                    answer += more
            except ConnectionResetError:
                pass
            answers.append(answer)
        assert sorted(bool(answer) for answer in answers) == [False, True, True, True]
        # SETTINGS_MAX_CONCURRENT_STREAMS is what was said.
        assert all(b"\0\x03\0\0\0\x07" in answer for answer in answers if answer)
        assert 0.9 < time.monotonic() - started < 8
