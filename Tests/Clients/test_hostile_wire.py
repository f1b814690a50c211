"""Bytes that no honest client sends: the server answers with errors, stays up, and gives back what it took."""
import json
import os
import random
import socket
import ssl
import subprocess
import time

import grpc
import pyarrow as pa
import pytest
from pyarrow import flight

from servers import IS_SANITIZED, Relay, serve, wait_until

SERVICE = "/arrow.flight.protocol.FlightService/"
METHODS = ["Handshake", "ListFlights", "GetFlightInfo", "PollFlightInfo", "GetSchema", "DoGet", "DoPut", "DoExchange",
           "DoAction", "ListActions"]
SECONDS = float(os.environ.get("FLETCH_HOSTILE_SECONDS", "6"))


@pytest.fixture
def server(programs, tmp_path):
    programs.fletch("sample", "--rows", "2000", "-o", tmp_path / "people.feather")
    with serve(programs, tmp_path, tmp_path / "people.feather", "--database", tmp_path / "database") as server:
        yield server
        with flight.connect(server.uri) as client:
            assert client.do_get(flight.Ticket(b"people")).read_all().num_rows == 2000, "it still answers"


def field(number, content):
    """A protobuf field of bytes."""
    def varint(value):
        out = b""
        while value >= 0x80:
            out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
        return out + bytes([value])
    return varint(number << 3 | 2) + varint(len(content)) + content


def honest_messages():
    """What honest clients send, to be mutated: descriptors, tickets, and the messages of an upload."""
    descriptor = b"\x08\x01" + field(3, b"people")
    sink = pa.BufferOutputStream()
    table = pa.table({"a": [1, None, 3], "b": ["x", "", "zz"], "c": pa.array(["u", "v", "u"]).dictionary_encode()})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    upload, reader = [], pa.ipc.MessageReader.open_stream(sink.getvalue())
    for message in reader:
        body = message.body.to_pybytes() if message.body else b""
        start = field(1, b"\x08\x01" + field(3, b"upload")) if not upload else b""
        upload.append(start + field(2, message.metadata.to_pybytes()) + field(1000, body))
    return descriptor, field(1, b"people_ticket"), upload


def mutate(message, source):
    message = bytearray(message)
    for _ in range(source.randint(1, 4)):
        if not message:
            return bytes(source.randbytes(8))
        place = source.randrange(len(message))
        match source.randrange(4):
            case 0: message[place] ^= 1 << source.randrange(8)
            case 1: message[place] = source.choice([0, 1, 0x7F, 0x80, 0xFF])
            case 2: del message[place:place + source.randint(1, 8)]
            case 3: message[place:place] = source.randbytes(source.randint(1, 8))
    return bytes(message)


def test_garbage_in_messages(server):
    seed = time.time_ns()
    print("seed", seed)
    source, outcomes = random.Random(seed), {}
    descriptor, ticket, upload = honest_messages()
    end = time.monotonic() + SECONDS
    with grpc.insecure_channel(server.uri.removeprefix("grpc://")) as channel:
        while time.monotonic() < end:
            method = source.choice(METHODS)
            call = channel.stream_stream(SERVICE + method)
            if method in ("DoPut", "DoExchange"):
                messages = [mutate(m, source) if source.random() < 0.5 else m for m in upload]
            else:
                messages = [mutate(source.choice([descriptor, ticket]), source)]
            try:
                for _ in call(iter(messages), timeout=10):
                    pass
                code = grpc.StatusCode.OK
            except grpc.RpcError as error:
                code = error.code()
            assert code not in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED), (method, messages)
            outcomes[code] = outcomes.get(code, 0) + 1
    assert outcomes.get(grpc.StatusCode.INVALID_ARGUMENT, 0) > 50 and outcomes.get(grpc.StatusCode.OK, 0) > 0, outcomes


def test_garbage_on_the_port(server):
    source = random.Random(7)
    host, port = server.uri.removeprefix("grpc://").rsplit(":", 1)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    for i in range(300):
        with socket.create_connection((host, int(port)), timeout=5) as connection:
            kind = i % 4
            try:
                if kind == 0:
                    connection.sendall(source.randbytes(200))
                elif kind == 1:
                    connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                elif kind == 2:
                    connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + source.randbytes(100))
                else:
                    connection.sendall(preface + b"\0\0\0\x04\0\0\0\0\0" + source.randbytes(100))
            except (BrokenPipeError, ConnectionResetError):
                pass


def recorded(uri):
    """All bytes that pyarrow's client sends for a listing, a download and an upload."""
    relay = Relay(uri, keeps=True)
    with flight.connect(f"grpc://127.0.0.1:{relay.port}") as client:
        list(client.list_flights())
        client.do_get(flight.Ticket(b"people")).read_all()
        table = pa.table({"a": range(10)})
        writer, _ = client.do_put(flight.FlightDescriptor.for_path("upload"), table.schema)
        writer.write_table(table)
        writer.close()
    return bytes(relay.received)


def test_malformed_frames(server):
    """A client's connection, played again with some bytes changed."""
    seed = time.time_ns()
    print("seed", seed)
    source, honest = random.Random(seed), recorded(server.host_and_port())
    assert honest.startswith(b"PRI * HTTP/2.0") and b"upload" in honest
    end, count = time.monotonic() + SECONDS, 0
    while time.monotonic() < end:
        content = honest
        for _ in range(source.randint(1, 3)):
            content = mutate(content, source)
        with socket.create_connection(server.host_and_port(), timeout=5) as connection:
            try:
                connection.sendall(content)
                # Half of them hear what the server says to it, the others are gone.
                if count % 2:
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(1 << 16):
                        pass
            except (BrokenPipeError, ConnectionResetError):
                pass
        count += 1
    assert count > 50


def test_garbage_in_tls(programs, tmp_path, certificates):
    """Handshakes that are none, that stop in the middle, and bytes changed in one that was begun well."""
    programs.fletch("sample", "--rows", "10", "-o", tmp_path / "people.feather")
    with serve(programs, tmp_path, tmp_path / "people.feather", *certificates.server_words(True)) as server:
        context = ssl.create_default_context(cafile=certificates.path("ca.pem"))
        context.set_alpn_protocols(["h2"])
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        with pytest.raises(ssl.SSLWantReadError):
            context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
        hello, source, idle = outgoing.read(), random.Random(11), server.descriptors()
        end = time.monotonic() + SECONDS / 2
        while time.monotonic() < end:
            content = source.choice([hello, hello[:source.randrange(len(hello))], mutate(hello, source),
                                     hello + source.randbytes(300), source.randbytes(400)])
            with socket.create_connection(server.host_and_port(), timeout=5) as connection:
                try:
                    connection.sendall(content)
                    connection.shutdown(socket.SHUT_WR)
                    while connection.recv(1 << 16):
                        pass
                except (BrokenPipeError, ConnectionResetError):
                    pass
        assert wait_until(lambda: server.descriptors() <= idle)
        uri = f"grpc+tls://localhost:{server.host_and_port()[1]}"
        with flight.connect(uri, **certificates.pyarrow(True)) as client:
            assert client.do_get(flight.Ticket(b"people")).read_all().num_rows == 10


def test_many_connections_leave_nothing(server):
    host, port = server.uri.removeprefix("grpc://").rsplit(":", 1)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"

    def rounds(count):
        for _ in range(count):
            with socket.create_connection((host, int(port)), timeout=5) as connection:
                connection.sendall(preface)

    rounds(500)
    time.sleep(0.3)
    descriptors, resident = server.descriptors(), server.resident_kib()
    rounds(3000)
    assert wait_until(lambda: server.descriptors() <= descriptors)
    assert IS_SANITIZED or server.resident_kib() < resident + 32_000


def test_clients_killed_in_the_middle(programs, tmp_path):
    programs.fletch("sample", "--kind", "readings", "--rows", "2000000", "-o", tmp_path / "big.feather")
    with serve(programs, tmp_path, tmp_path / "big.feather") as server:
        with flight.connect(server.uri) as client:
            client.do_get(flight.Ticket(b"big")).read_chunk()
        descriptors = server.descriptors()
        for _ in range(30):
            with flight.connect(server.uri) as client:
                client.do_get(flight.Ticket(b"big")).read_chunk()
        assert wait_until(lambda: server.descriptors() <= descriptors + 1)


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"


def frame(kind, flags, stream, content):
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def request_headers(stream, path):
    """The headers of a gRPC call, without compression (RFC 7541, section 6.2.2)."""
    def text(value):
        assert len(value) < 127
        return bytes([len(value)]) + value.encode()
    fields = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "x"), ("te", "trailers"),
              ("content-type", "application/grpc")]
    return frame(1, 4, stream, b"".join(b"\0" + text(name) + text(value) for name, value in fields))


def test_large_messages_that_are_only_announced(programs, tmp_path):
    """A message that is said to be large and has one byte costs the server memory; what all of them cost is limited."""
    programs.fletch("sample", "--rows", "10", "-o", tmp_path / "people.feather")
    words = [tmp_path / "people.feather", "--max-unread", "256M"]
    with serve(programs, tmp_path, *words) as server:
        before, connections = server.own_kib(), []
        for _ in range(4):
            connection = socket.create_connection(server.host_and_port(), timeout=10)
            content = PREFACE
            for stream in range(1, 401, 2):
                content += request_headers(stream, "/grpc.health.v1.Health/Check")
                content += frame(0, 0, stream, b"\0" + (60 << 20).to_bytes(4, "big") + b"x")
            connection.sendall(content)
            connections.append(connection)
        time.sleep(1)
        # 800 calls of 2 MiB without the limit.
        assert IS_SANITIZED or server.own_kib() - before < 400 << 10
        # Small questions of others are answered all the same, and everything is when those are gone.
        with flight.connect(server.uri) as client:
            assert client.do_get(flight.Ticket(b"people")).read_all().num_rows == 10
        for connection in connections:
            connection.close()
        assert wait_until(lambda: IS_SANITIZED or server.own_kib() - before < 200 << 10)


def test_a_log_that_nobody_reads(programs, tmp_path):
    """Calls do not wait for their log: its pipe is full, and then gone."""
    programs.fletch("sample", "--rows", "10", "-o", tmp_path / "people.feather")
    ready = tmp_path / "ready"
    process = subprocess.Popen([programs.folder / "fletch", "serve", tmp_path / "people.feather", "--listen", "localhost:0",
                                "--ready-file", ready], stderr=subprocess.PIPE)
    assert wait_until(ready.exists, 20)
    with flight.connect(ready.read_text().strip()) as client:
        for _ in range(3000):
            client.get_flight_info(flight.FlightDescriptor.for_path("people"))
        lines = os.read(process.stderr.fileno(), 1 << 20).splitlines()
        client.get_flight_info(flight.FlightDescriptor.for_path("people"))
        lines += os.read(process.stderr.fileno(), 1 << 20).splitlines()
        records = [json.loads(line) for line in lines if line.startswith(b"{")]
        assert len(records) > 100 and sum(record.get("dropped", 0) for record in records) > 1000
        process.stderr.close()
        client.get_flight_info(flight.FlightDescriptor.for_path("people"))
    process.terminate()
    assert process.wait(20) == 0


HEALTH = "/grpc.health.v1.Health/Check"
FLOODS = {
    "resets": lambda i: request_headers(2 * i + 1, HEALTH) + frame(3, 0, 2 * i + 1, b"\0\0\0\x08"),
    "pings": lambda i: frame(6, 0, 0, i.to_bytes(8, "big")),
    "settings": lambda i: frame(4, 0, 0, b""),
    "empty data": lambda i: (request_headers(1, HEALTH) if i == 0 else b"") + frame(0, 0, 1, b""),
    "priorities": lambda i: frame(2, 0, 2 * i + 1, b"\0\0\0\0\x10"),
    "unknown frames": lambda i: frame(99, 0, 0, b"?"),
    "continuations": lambda i: frame(1, 0, 1, b"") if i == 0 else frame(9, 0, 1, b"\0\x01a\x01b"),
    # A value of 16,000 bytes in each.
    "large headers": lambda i: frame(1, 0, 1, b"") if i == 0 else frame(9, 0, 1, b"\0\x01a\x7f\x81\x7c" + b"v" * 16_000),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_floods_end_their_connection(server, flood):
    """What costs the server more than its sender is counted; too much of it ends the connection, and nobody else's."""
    with flight.connect(server.uri) as other, socket.create_connection(server.host_and_port(), timeout=10) as connection:
        other.wait_for_available()
        answer = b""
        try:
            connection.sendall(PREFACE + b"".join(FLOODS[flood](i) for i in range(3000)))
            while more := connection.recv(1 << 16):
                answer += more
        except (BrokenPipeError, ConnectionResetError):
            pass
        # GOAWAY: ENHANCE_YOUR_CALM, or what nghttp2 itself found first.
        assert b"\x07\0\0\0\0\0" in answer
        assert other.do_get(flight.Ticket(b"people")).read_all().num_rows == 2000
