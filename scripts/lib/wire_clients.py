"""The clients that `scripts/bench wire` measures with: pyarrow's, Fletch's, h2load, and plain sockets."""

import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import time

import pyarrow as pa
from pyarrow import flight


def in_threads(count, work):
    """Runs `work(i)` on as many threads, and returns what they return."""
    results, failures = [None] * count, []

    def run(i):
        try:
            results[i] = work(i)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return results


class PyArrowClient:
    def __init__(self, path, authority):
        self.table = pa.ipc.open_file(pa.memory_map(path)).read_all()
        self.roots = authority.read_bytes()
        self.clients = {}

    def client(self, uri, number=0):
        """The number-th connection to a server."""
        if (uri, number) not in self.clients:
            tls = {"tls_root_certs": self.roots} if uri.startswith("grpc+tls") else {}
            options = [("grpc.use_local_subchannel_pool", 1)]
            self.clients[uri, number] = flight.connect(uri, generic_options=options, **tls)
        return self.clients[uri, number]

    def get(self, uri, streams):
        client, start = self.client(uri), time.perf_counter()

        def one(_):
            info = client.get_flight_info(flight.FlightDescriptor.for_path("plain"))
            return sum(chunk.data.num_rows for e in info.endpoints for chunk in client.do_get(e.ticket))

        rows = in_threads(streams, one)
        return time.perf_counter() - start, sum(rows)

    def put(self, uri, name, streams):
        client, start = self.client(uri), time.perf_counter()

        def one(i):
            writer, _ = client.do_put(flight.FlightDescriptor.for_path(f"{name}{i}"), self.table.schema)
            writer.write_table(self.table, 65_536)
            writer.close()
            return self.table.num_rows

        rows = in_threads(streams, one)
        return time.perf_counter() - start, sum(rows)

    def calls(self, uri, connections, seconds):
        """GetFlightInfo on as many connections, each used by a thread; the calls' times."""
        descriptor = flight.FlightDescriptor.for_path("plain")
        clients = [self.client(uri, i) for i in range(connections)]
        for client in clients:
            client.get_flight_info(descriptor)
        end = time.perf_counter() + seconds

        def some(i):
            times = []
            while (start := time.perf_counter()) < end:
                clients[i].get_flight_info(descriptor)
                times.append(time.perf_counter() - start)
            return times

        return [time for times in in_threads(connections, some) for time in times]


class FletchClient:
    """`fletch bench wire`, told what to do line by line."""

    def __init__(self, program, path, authority):
        self.path = path
        self.process = subprocess.Popen([program, "bench", "wire"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env={**os.environ, "SSL_CERT_FILE": str(authority)})

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"fletch bench ended at {words}")
        return json.loads(line)

    def get(self, uri, streams):
        answer = self.ask("get", uri, "plain", streams)
        return answer["seconds"], answer["rows"]

    def put(self, uri, name, streams):
        answer = self.ask("put", uri, name, streams, self.path)
        return answer["seconds"], answer["rows"]


def h2load(uri, connections, seconds):
    """GetFlightInfo by h2load, with a request as pyarrow's client sends it; the calls' times."""
    descriptor = b"\x08\x01\x1a\x05plain"
    with tempfile.NamedTemporaryFile() as body, tempfile.NamedTemporaryFile() as log:
        body.write(b"\0" + len(descriptor).to_bytes(4, "big") + descriptor)
        body.flush()
        url = uri.replace("grpc+tls://", "https://").replace("grpc://", "http://")
        done = subprocess.run(["h2load", "-c", str(connections), "-m", "1", "-t", "1", "-D", str(seconds),
                               "-d", body.name, "-H", "content-type: application/grpc",
                               "-H", "te: trailers", "--log-file", log.name,
                               url + "/arrow.flight.protocol.FlightService/GetFlightInfo"],
                              capture_output=True, text=True, timeout=60)
        lines = [line.split() for line in pathlib.Path(log.name).read_text().splitlines()]
        assert lines and all(line[1] == "200" for line in lines), done.stdout
        return [int(line[2]) / 1e6 for line in lines]


def raw_socket(size, family, address):
    """Moves as many bytes over a plain socket: the limit of what any protocol on it can do."""
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen()
    block = bytearray(1 << 20)

    def send():
        out = socket.socket(family)
        out.connect(listener.getsockname())
        for _ in range(size // len(block)):
            out.sendall(block)
        out.close()

    thread = threading.Thread(target=send)
    start = time.perf_counter()
    thread.start()
    connection, _ = listener.accept()
    into = bytearray(1 << 20)
    while connection.recv_into(into):
        pass
    elapsed = time.perf_counter() - start
    thread.join()
    listener.close()
    return elapsed
