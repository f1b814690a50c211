"""Times flights got and put between Fletch and pyarrow's Flight (Arrow's C++ core), in turns, and prints the ratios."""

import argparse
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import pyarrow as pa
from pyarrow import flight

GIB = 1 << 30


class PeerServer(flight.FlightServerBase):
    """A pyarrow server that holds a file's batches in memory, and what is put in lists."""

    def __init__(self, path):
        super().__init__("grpc://localhost:0")
        self.tables = {"plain": pa.ipc.open_file(pa.memory_map(path)).read_all()}

    def get_flight_info(self, context, descriptor):
        name = descriptor.path[0].decode()
        table = self.tables[name]
        endpoint = flight.FlightEndpoint(name.encode(), [])
        return flight.FlightInfo(table.schema, descriptor, [endpoint], table.num_rows, table.nbytes)

    def do_get(self, context, ticket):
        return flight.RecordBatchStream(self.tables[ticket.ticket.decode()])

    def do_put(self, context, descriptor, reader, writer):
        for _ in reader:
            pass


def run_peer(path):
    server = PeerServer(path)
    print(f"grpc://localhost:{server.port}", flush=True)
    server.serve()


class Process:
    """A server process: where it listens, and what it has cost."""

    def __init__(self, command, uri):
        self.process, self.uri = command, uri

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


def start_fletch(program, path, folder, listen="localhost:0"):
    ready = os.path.join(folder, f"ready-{time.monotonic_ns()}")
    process = subprocess.Popen([program, "serve", path, "--store", os.path.join(folder, "store"), "--listen", listen,
                                "--quiet", "--ready-file", ready], stderr=subprocess.DEVNULL)
    while not os.path.exists(ready):
        assert process.poll() is None, "fletch serve did not start"
        time.sleep(0.01)
    return Process(process, pathlib.Path(ready).read_text().strip())


def start_peer(path):
    process = subprocess.Popen([sys.executable, __file__, "--peer", path], stdout=subprocess.PIPE, text=True)
    return Process(process, process.stdout.readline().strip())


class PyArrowClient:
    def __init__(self, path):
        self.table = pa.ipc.open_file(pa.memory_map(path)).read_all()
        self.clients = {}

    def client(self, uri):
        return self.clients.setdefault(uri, flight.connect(uri))

    def get(self, uri):
        client, start = self.client(uri), time.perf_counter()
        info = client.get_flight_info(flight.FlightDescriptor.for_path("plain"))
        rows = sum(chunk.data.num_rows for e in info.endpoints for chunk in client.do_get(e.ticket))
        return time.perf_counter() - start, rows

    def put(self, uri):
        client, start = self.client(uri), time.perf_counter()
        writer, _ = client.do_put(flight.FlightDescriptor.for_path("put"), self.table.schema)
        writer.write_table(self.table, 65_536)
        writer.close()
        return time.perf_counter() - start, self.table.num_rows

    def calls(self, uri, count):
        client, descriptor, times = self.client(uri), flight.FlightDescriptor.for_path("plain"), []
        for _ in range(count):
            start = time.perf_counter()
            client.get_flight_info(descriptor)
            times.append(time.perf_counter() - start)
        return times


class FletchClient:
    def __init__(self, program, path):
        self.path = path
        self.process = subprocess.Popen([program, "bench", "wire"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"fletch bench ended at {words}")
        return json.loads(line)

    def get(self, uri):
        answer = self.ask("get", uri, "plain")
        return answer["seconds"], answer["rows"]

    def put(self, uri):
        answer = self.ask("put", uri, "put", self.path)
        return answer["seconds"], answer["rows"]


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


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench wire")
    parser.add_argument("fletch")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(prefix="fletch-bench-", dir=memory) as folder:
        plain = os.path.join(folder, "plain.feather")
        subprocess.run([arguments.fletch, "sample", "--kind", "readings", "--quiet", "--rows", str(arguments.rows), "-o",
                        plain], check=True)
        servers = {"fletch": start_fletch(arguments.fletch, plain, folder), "pyarrow": start_peer(plain)}
        unix = start_fletch(arguments.fletch, plain, folder, f"unix:{folder}/socket")
        try:
            compare(arguments, plain, servers, unix, folder)
        finally:
            for server in (*servers.values(), unix):
                server.stop()


def compare(arguments, plain, servers, unix, folder):
    size = os.path.getsize(plain)
    clients = {"pyarrow": PyArrowClient(plain), "fletch": FletchClient(arguments.fletch, plain)}
    print(f"{arguments.rows:,} rows, {size / 1e6:,.0f} MB, plain TCP; medians of {arguments.rounds}; "
          f"pyarrow {pa.__version__}\n")
    print(f"{'':34}{'GB/s from/to server':>24}{'':8}{'server CPU s/GiB':>24}")
    print(f"{'':34}{'pyarrow':>12}{'Fletch':>12}{'ratio':>8}{'pyarrow':>12}{'Fletch':>12}")
    for direction in ("get", "put"):
        for client_name, client in clients.items():
            times, cpus = {"pyarrow": [], "fletch": []}, {"pyarrow": [], "fletch": []}
            for round in range(arguments.rounds + 1):
                for name, server in servers.items():
                    before = server.cpu()
                    elapsed, rows = getattr(client, direction)(server.uri)
                    assert rows == arguments.rows, f"{rows} rows of {arguments.rows}"
                    if round > 0:
                        times[name].append(elapsed)
                        cpus[name].append(server.cpu() - before)
            speed = {name: size / statistics.median(values) / 1e9 for name, values in times.items()}
            cpu = {name: statistics.median(values) / size * GIB for name, values in cpus.items()}
            print(f"{client_name + ' client, ' + direction:34}{speed['pyarrow']:12.2f}{speed['fletch']:12.2f}"
                  f"{speed['fletch'] / speed['pyarrow']:8.2f}{cpu['pyarrow']:12.2f}{cpu['fletch']:12.2f}")
    local = statistics.median(clients["fletch"].get(unix.uri)[0] for _ in range(arguments.rounds))
    raw_tcp = statistics.median(raw_socket(size, socket.AF_INET, ("127.0.0.1", 0)) for _ in range(arguments.rounds))
    raw_unix = statistics.median(raw_socket(size, socket.AF_UNIX, f"{folder}/raw{i}") for i in range(arguments.rounds))
    print("\nput: Fletch checks every value, stores a file and syncs it; pyarrow's server drops what it gets")
    print(f"\nFletch to Fletch over a Unix socket {size / local / 1e9:.2f} GB/s; "
          f"raw sockets: TCP {size / raw_tcp / 1e9:.2f}, Unix {size / raw_unix / 1e9:.2f}")
    print(f"\n{'GetFlightInfo by pyarrow':34}{'calls/s':>12}{'p50 µs':>12}{'p99 µs':>12}")
    for name, server in servers.items():
        times = sorted(clients["pyarrow"].calls(server.uri, 3000)[500:])
        print(f"{name + ' server':34}{len(times) / sum(times):12,.0f}{times[len(times) // 2] * 1e6:12.0f}"
              f"{times[len(times) * 99 // 100] * 1e6:12.0f}")
    answer = clients["fletch"].ask("info", servers["fletch"].uri, "plain", 20_000)
    print(f"{'Fletch to Fletch':34}{20_000 / answer['seconds']:12,.0f}")


if __name__ == "__main__":
    run_peer(sys.argv[2]) if sys.argv[1] == "--peer" else main()
