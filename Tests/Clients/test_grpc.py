"""Calls the gRPC server by grpcio, its health and reflection clients, and curl."""
import concurrent.futures
import subprocess
import threading
import time

import grpc
import pytest
from google.protobuf import descriptor_pool
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2 as alpha_pb2
from grpc_reflection.v1alpha import reflection_pb2_grpc as alpha_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

LIMITS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


class Server:
    def __init__(self, programs, address, *more):
        self.process = subprocess.Popen([programs.folder / "fletch-grpc-echo", "serve", address, *more],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()
        assert self.address, self.process.stderr.read()

    def order(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def resident(self):
        with open(f"/proc/{self.process.pid}/status") as lines:
            return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS"))

    def stop(self):
        """Drains; returns the exit code and what was logged."""
        if self.process.poll() is None:
            self.process.stdin.close()
        code = self.process.wait(timeout=20)
        return code, self.process.stderr.read()


@pytest.fixture(params=["tcp", "unix"])
def server(request, programs, tmp_path):
    server = Server(programs, "127.0.0.1:0" if request.param == "tcp" else f"unix:{tmp_path}/s")
    yield server
    server.stop()


@pytest.fixture
def tcp(programs):
    server = Server(programs, "127.0.0.1:0")
    yield server
    server.stop()


@pytest.fixture
def channel(server):
    with grpc.insecure_channel(server.address, LIMITS) as channel:
        yield channel


def unary(channel, name):
    return channel.unary_unary(f"/fletch.test.Echo/{name}")


def code_of(call, *args, **options):
    with pytest.raises(grpc.RpcError) as info:
        call(*args, **options)
    return info.value.code()


@pytest.mark.parametrize("method", ["Unary", "Blocking"])
@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 70_000, 3_000_000, 60 << 20])
def test_unary(channel, method, size):
    body = bytes(i & 255 for i in range(256)) * (size // 256 + 1)
    assert unary(channel, method)(body[:size], timeout=20) == body[:size]


def test_streams(channel):
    chat = channel.stream_stream("/fletch.test.Echo/Chat")
    sent = [b"x" * n for n in (0, 1, 16384, 100_000, 5_000_000)] * 3
    assert list(chat(iter(sent), timeout=20)) == sent
    assert list(chat(iter([]), timeout=20)) == []
    collect = channel.stream_unary("/fletch.test.Echo/Collect")
    assert collect((b"ab" for _ in range(10_000)), timeout=20) == b"10000 20000"
    expand = channel.unary_stream("/fletch.test.Echo/Expand")
    assert [len(m) for m in expand(b"20 1000000", timeout=20)] == [1_000_000] * 20
    assert list(expand(b"0 0", timeout=20)) == []


def test_talks_first_and_turn_by_turn(channel):
    """The server's headers come before any message, and each answer before the next question."""
    asked = threading.Event()

    def questions():
        for i in range(50):
            asked.wait(5)
            asked.clear()
            yield str(i).encode()

    call = channel.stream_stream("/fletch.test.Echo/Chat")(questions(), timeout=20)
    call.initial_metadata()
    for i in range(50):
        asked.set()
        assert next(call) == str(i).encode()


def test_metadata(channel):
    sent = (("x-echo", "1"), ("x-initial-a", "plain text; with, signs"), ("x-initial-b-bin", bytes(range(256))),
            ("x-trailing-c", "t"), ("x-trailing-d-bin", b""), ("x-trailing-d-bin", b"\xff"))
    for method in "Unary", "Blocking":
        body, call = unary(channel, method).with_call(b"m", metadata=sent, timeout=5)
        initial, trailing = dict(call.initial_metadata()), list(call.trailing_metadata())
        assert body == b"m"
        assert initial["x-initial-a"] == "plain text; with, signs"
        assert initial["x-initial-b-bin"] == bytes(range(256))
        assert ("x-trailing-c", "t") in trailing
        assert b"\xff" in [value for key, value in trailing if key == "x-trailing-d-bin"]


@pytest.mark.parametrize("number", range(1, 17))
def test_status(channel, number):
    message = "Größe 漢字 100% \"\n\t 🎯"
    with pytest.raises(grpc.RpcError) as info:
        unary(channel, "Fail")(f"{number} {message}".encode(), timeout=5)
    assert info.value.code().value[0] == number
    assert info.value.details() == f"{number} {message}".split(" ", 1)[1]
    assert dict(info.value.trailing_metadata())["grpc-status-details-bin"] == bytes([1, 2, 0, 255])


def test_errors_of_handlers(channel):
    call = unary(channel, "Throw")
    assert code_of(call, b"malformed") == grpc.StatusCode.INVALID_ARGUMENT
    assert code_of(call, b"limit") == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert code_of(call, b"unsupported") == grpc.StatusCode.UNIMPLEMENTED
    assert code_of(call, b"other") == grpc.StatusCode.INTERNAL
    assert code_of(unary(channel, "Nothing"), b"") == grpc.StatusCode.UNIMPLEMENTED
    assert code_of(channel.unary_unary("/no.Service/X"), b"") == grpc.StatusCode.UNIMPLEMENTED
    assert code_of(unary(channel, "Unary"), b"x" * (65 << 20), timeout=20) == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert code_of(unary(channel, "Unary"), b"x" * 100, compression=grpc.Compression.Gzip) == grpc.StatusCode.UNIMPLEMENTED
    assert unary(channel, "Unary")(b"still there") == b"still there"


def cancelled(channel):
    return int(unary(channel, "Cancelled")(b"", timeout=5))


def wait_for_cancels(channel, count, seconds=2.0):
    end = time.monotonic() + seconds
    while cancelled(channel) < count:
        assert time.monotonic() < end, "the handler was not cancelled"
        time.sleep(0.005)


def test_deadline(channel):
    start = time.monotonic()
    assert code_of(unary(channel, "Wait"), b"", timeout=0.2) == grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - start < 1
    wait_for_cancels(channel, 1)
    expand = channel.unary_stream("/fletch.test.Echo/Expand")(b"1000 10 0.01", timeout=0.3)
    with pytest.raises(grpc.RpcError) as info:
        list(expand)
    assert info.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED


def test_cancel(channel):
    call = unary(channel, "Wait").future(b"")
    time.sleep(0.2)
    call.cancel()
    wait_for_cancels(channel, 1, 0.5)
    stream = channel.unary_stream("/fletch.test.Echo/Expand")(b"100000 1000000", timeout=20)
    next(stream)
    stream.cancel()
    assert unary(channel, "Unary")(b"x", timeout=5) == b"x"


def test_client_that_vanishes(server):
    with grpc.insecure_channel(server.address) as channel:
        call = unary(channel, "Wait").future(b"")
        time.sleep(0.3)
        assert call.running()
    with grpc.insecure_channel(server.address) as channel:
        wait_for_cancels(channel, 1)


def test_many_calls_at_once(channel):
    chat = channel.stream_stream("/fletch.test.Echo/Chat")

    def talk(i):
        sent = [bytes([i & 255]) * (1000 + i) for _ in range(20)]
        return list(chat(iter(sent), timeout=60)) == sent

    with concurrent.futures.ThreadPoolExecutor(200) as pool:
        assert all(pool.map(talk, range(200)))


def test_slow_reader_is_bounded(server, channel):
    before = server.resident()
    stream = channel.unary_stream("/fletch.test.Echo/Expand")(b"400 4000000", timeout=60)
    next(stream)
    time.sleep(1)
    assert server.resident() - before < 64 << 20
    assert sum(1 for _ in stream) == 399


def test_health(server, channel):
    stub = health_pb2_grpc.HealthStub(channel)
    Request, Response = health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse
    assert stub.Check(Request(), timeout=5).status == Response.SERVING
    assert code_of(stub.Check, Request(service="other")) == grpc.StatusCode.NOT_FOUND
    watch = stub.Watch(Request(service="other"), timeout=20)
    assert next(watch).status == Response.SERVICE_UNKNOWN
    server.order("health other 1")
    assert next(watch).status == Response.SERVING
    server.order("health other 2")
    assert next(watch).status == Response.NOT_SERVING
    whole = stub.Watch(Request(), timeout=20)
    assert next(whole).status == Response.SERVING
    server.process.stdin.close()
    assert next(whole).status == Response.NOT_SERVING
    with pytest.raises(grpc.RpcError) as info:
        next(whole)
    assert info.value.code() == grpc.StatusCode.UNAVAILABLE
    assert server.process.wait(timeout=10) == 0


def test_reflection(channel):
    database = ProtoReflectionDescriptorDatabase(channel)
    names = database.get_services()
    assert {"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
            "grpc.reflection.v1alpha.ServerReflection", "fletch.test.Echo"} <= set(names)
    pool = descriptor_pool.DescriptorPool(database)
    health = pool.FindServiceByName("grpc.health.v1.Health")
    assert [m.name for m in health.methods] == ["Check", "Watch"] and health.methods[1].server_streaming
    status = pool.FindMessageTypeByName("grpc.health.v1.HealthCheckResponse").fields_by_name["status"].enum_type
    assert status.values_by_name["NOT_SERVING"].number == 2
    for version in "v1", "v1alpha":
        service = pool.FindServiceByName(f"grpc.reflection.{version}.ServerReflection")
        assert service.methods[0].client_streaming and service.methods[0].server_streaming
    assert pool.FindServiceByName("fletch.test.Echo").methods[0].name == "Unary"


def test_reflection_of_what_is_not_there(channel):
    info = alpha_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo
    Request = alpha_pb2.ServerReflectionRequest
    requests = [Request(file_by_filename="no.proto"), Request(file_containing_symbol="no.Such"),
                Request(file_containing_symbol="grpc.health.v1.Health.Check"),
                Request(all_extension_numbers_of_type="grpc.health.v1.HealthCheckRequest")]
    missing, unknown, method, extensions = info(iter(requests), timeout=5)
    assert missing.error_response.error_code == 5 and unknown.error_response.error_code == 5
    assert len(method.file_descriptor_response.file_descriptor_proto) == 1
    assert extensions.all_extension_numbers_response.base_type_name == "grpc.health.v1.HealthCheckRequest"


def curl(address, *headers, path="/fletch.test.Echo/Unary", data=b"\0\0\0\0\0", method="POST"):
    options = [option for header in headers for option in ("-H", header)]
    command = ["curl", "-sS", "-i", "--http2-prior-knowledge", "-X", method, *options, "--data-binary", "@-",
               f"http://{address}{path}"]
    for _ in range(5):
        done = subprocess.run(command, input=data, capture_output=True, timeout=20)
        if done.stdout:
            break
        # Some versions of curl lose an answer that comes before the end of the request.
    return done.stdout.decode(errors="replace")


def test_raw_http(tcp):
    grpc_type = "content-type: application/grpc"
    assert "HTTP/2 415" in curl(tcp.address, "content-type: text/plain")
    assert "HTTP/2 415" in curl(tcp.address, "content-type: application/grpcx")
    assert "HTTP/2 405" in curl(tcp.address, grpc_type, method="PUT")
    for kind in "application/grpc", "application/grpc+proto", "application/grpc;charset=utf-8":
        answer = curl(tcp.address, f"content-type: {kind}", "te: trailers")
        assert "HTTP/2 200" in answer and "grpc-status: 0" in answer
    assert "grpc-status: 13" in curl(tcp.address, grpc_type, data=b"\1\0\0\0\0")
    assert "grpc-status: 13" in curl(tcp.address, grpc_type, data=b"\2\0\0\0\0")
    assert "grpc-status: 13" in curl(tcp.address, grpc_type, data=b"\0\0\0\0\5abc")
    assert "grpc-status: 8" in curl(tcp.address, grpc_type, data=b"\0\xff\xff\xff\xff")
    assert "grpc-status: 12" in curl(tcp.address, grpc_type, data=b"")
    assert "grpc-status: 12" in curl(tcp.address, grpc_type, data=b"\0\0\0\0\0" * 2)
    assert "grpc-status: 12" in curl(tcp.address, grpc_type, path="/nothing")
    answer = curl(tcp.address, grpc_type, "grpc-encoding: snappy")
    assert "grpc-status: 12" in answer and "grpc-accept-encoding: identity" in answer
    assert "grpc-status: 13" in curl(tcp.address, grpc_type, "grpc-timeout: soon")
    assert "grpc-status: 13" in curl(tcp.address, grpc_type, "x-bin: !!")
    assert "grpc-status: 4" in curl(tcp.address, grpc_type, "grpc-timeout: 0n")
    assert "grpc-status: 4" in curl(tcp.address, grpc_type, "grpc-timeout: 50m", path="/fletch.test.Echo/Wait")


def test_drain_lets_calls_finish(programs):
    server = Server(programs, "127.0.0.1:0", "log")
    with grpc.insecure_channel(server.address) as channel:
        stream = channel.unary_stream("/fletch.test.Echo/Expand")(b"10 10 0.05", timeout=20)
        next(stream)
        server.process.stdin.close()
        assert sum(1 for _ in stream) == 9
    code, log = server.stop()
    assert code == 0
    assert '"method":"/fletch.test.Echo/Expand"' in log and '"status":"OK"' in log and '"messages_out":10' in log


def test_drain_has_a_limit(programs):
    server = Server(programs, "127.0.0.1:0", "log")
    with grpc.insecure_channel(server.address) as channel:
        call = unary(channel, "Wait").future(b"")
        time.sleep(0.2)
        server.process.stdin.close()
        with pytest.raises(grpc.RpcError) as info:
            call.result(timeout=10)
        assert info.value.code() == grpc.StatusCode.UNAVAILABLE
    code, log = server.stop()
    assert '"status":"UNAVAILABLE"' in log
