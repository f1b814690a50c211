"""Times flights got and put, and small calls, between Fletch and pyarrow's Flight (Arrow's C++ core), in turns."""

import argparse
import contextlib
import os
import pathlib
import socket
import statistics
import subprocess
import tempfile

import pyarrow as pa

import wire_clients
import wire_servers

GIB = 1 << 30
CONNECTIONS = (1, 8, 64)


class Bench:
    def __init__(self, arguments, folder):
        self.rounds, self.rows, self.program, self.folder = arguments.rounds, arguments.rows, arguments.fletch, folder
        self.seconds = arguments.seconds
        self.plain = os.path.join(folder, "plain.feather")
        subprocess.run([self.program, "sample", "--kind", "readings", "--quiet", "--rows", str(self.rows), "-o", self.plain],
                       check=True)
        self.size = os.path.getsize(self.plain)
        self.certificates = pathlib.Path(folder) / "certificates"
        script = pathlib.Path(__file__).resolve().parents[1] / "make-certs"
        subprocess.run([script, self.certificates], check=True, capture_output=True)
        authority = self.certificates / "ca.pem"
        self.clients = {"pyarrow": wire_clients.PyArrowClient(self.plain, authority),
                        "Fletch": wire_clients.FletchClient(self.program, self.plain, authority)}

    @contextlib.contextmanager
    def servers(self, kind):
        """The servers to compare: pyarrow's, Fletch's, and Fletch's that drops what is put."""
        certificates = self.certificates if kind == "TLS" else None
        listen = ["localhost:0", "127.0.0.1:0", None]
        if kind == "Unix":
            listen = [f"unix:{self.folder}/f", f"unix:{self.folder}/d", f"grpc+unix://{self.folder}/p"]
        servers = [wire_servers.start_fletch(self.program, self.plain, self.folder, certificates, listen[0]),
                   wire_servers.start_dropper(self.program, certificates, listen[1]),
                   wire_servers.start_peer(self.plain, self.folder, certificates, listen[2])]
        try:
            yield servers
        finally:
            for server in servers:
                server.stop()

    def row(self, what, client, streams, operation, servers):
        """One line of the table: an operation by one client against both servers, in turns."""
        times, cpus = {name: [] for name in servers}, {name: [] for name in servers}
        for round in range(self.rounds + 1):
            for name, server in servers.items():
                before = server.cpu()
                elapsed, rows = operation(client, server.uri)
                assert rows == self.rows * streams, f"{rows} rows of {self.rows * streams}"
                if round > 0:
                    times[name].append(elapsed)
                    cpus[name].append(server.cpu() - before)
        size = self.size * streams
        speed = {name: size / statistics.median(values) / 1e9 for name, values in times.items()}
        cpu = {name: statistics.median(values) / size * GIB for name, values in cpus.items()}
        print(f"{what:40}{speed['pyarrow']:9.2f}{speed['Fletch']:9.2f}{speed['Fletch'] / speed['pyarrow']:8.2f}"
              f"{cpu['pyarrow']:12.2f}{cpu['Fletch']:9.2f}", flush=True)

    def streams(self, kind):
        with self.servers(kind) as (fletch, dropper, peer):
            for streams in (1, 4) if kind != "Unix" else (1,):
                for name, client in self.clients.items():
                    label = f"{kind}, {streams} stream{'s' if streams > 1 else ''}, {name} client: "
                    get, put = {"pyarrow": peer, "Fletch": fletch}, {"pyarrow": peer, "Fletch": dropper}
                    self.row(label + "get", client, streams, lambda c, uri: c.get(uri, streams), get)
                    self.row(label + "put", client, streams, lambda c, uri: c.put(uri, "drop", streams), put)
                    if streams == 1:
                        self.row(label + "store", client, streams, lambda c, uri: c.put(uri, "store", streams), get)

    def limits(self):
        tcp = statistics.median(wire_clients.raw_socket(self.size, socket.AF_INET, ("127.0.0.1", 0))
                                for _ in range(self.rounds))
        unix = statistics.median(wire_clients.raw_socket(self.size, socket.AF_UNIX, f"{self.folder}/raw{i}")
                                 for i in range(self.rounds))
        print(f"plain sockets: TCP {self.size / tcp / 1e9:.2f} GB/s, Unix {self.size / unix / 1e9:.2f} GB/s", flush=True)

    def calls(self, kind):
        with self.servers(kind) as (fletch, _, peer):
            for connections in CONNECTIONS:
                for label, measure in (("h2load", wire_clients.h2load), ("pyarrow client", self.clients["pyarrow"].calls)):
                    for name, server in (("pyarrow", peer), ("Fletch", fletch)):
                        before = server.cpu()
                        times = sorted(measure(server.uri, connections, self.seconds))
                        cpu = (server.cpu() - before) / len(times) * 1e6
                        print(f"{f'{kind}, {connections} connections, {label}, {name} server':60}"
                              f"{len(times) / self.seconds:9,.0f}{times[len(times) // 2] * 1e6:9.0f}"
                              f"{times[len(times) * 99 // 100] * 1e6:9.0f}{cpu:9.0f}", flush=True)
            for threads in CONNECTIONS:
                count = 20_000
                answer = self.clients["Fletch"].ask("info", fletch.uri, "plain", threads, count)
                print(f"{f'{kind}, {threads} threads on one connection, Fletch to Fletch':60}"
                      f"{count / answer['seconds']:9,.0f}", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench wire")
    parser.add_argument("fletch")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of small calls, each")
    parser.add_argument("--only", choices=["streams", "calls"])
    arguments = parser.parse_args()
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(prefix="fletch-bench-", dir=memory) as folder:
        bench = Bench(arguments, folder)
        print(f"{arguments.rows:,} rows, {bench.size / 1e6:,.0f} MB; medians of {arguments.rounds}, in turns; "
              f"pyarrow {pa.__version__}; load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores\n")
        if arguments.only != "calls":
            print(f"{'':40}{'GB/s, server of':>18}{'':8}{'server CPU s/GiB':>21}")
            print(f"{'':40}{'pyarrow':>9}{'Fletch':>9}{'ratio':>8}{'pyarrow':>12}{'Fletch':>9}")
            for kind in ("TCP", "TLS", "Unix"):
                bench.streams(kind)
            bench.limits()
            print("get: from a mapped file (Fletch), from mapped batches (pyarrow)\n"
                  "put: Fletch checks every value and drops it, pyarrow drops it unchecked\n"
                  "store: the same, and both write an IPC file to memory's file system and sync it\n")
        if arguments.only != "streams":
            print(f"{'GetFlightInfo, one call at a time a connection':60}{'calls/s':>9}{'p50 µs':>9}{'p99 µs':>9}{'CPU µs':>9}")
            for kind in ("TCP", "TLS"):
                bench.calls(kind)


if __name__ == "__main__":
    main()
