"""The servers that `scripts/bench wire` compares: processes with addresses, and what they cost."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

import pyarrow as pa
from pyarrow import flight


class PeerServer(flight.FlightServerBase):
    """A pyarrow server that holds a file's batches in memory. What is put to `drop` is read and dropped; the rest is
    stored as an IPC file, synced."""

    def __init__(self, location, path, store, certificates):
        names = ("server.pem", "server.key") if certificates else ()
        tls = {"tls_certificates": [tuple((certificates / name).read_bytes() for name in names)]} if names else {}
        super().__init__(location, **tls)
        self.store = store
        self.tables = {"plain": pa.ipc.open_file(pa.memory_map(path)).read_all()}
        # Made once: to add up a large table's bytes takes a millisecond.
        self.infos = {name: flight.FlightInfo(table.schema, flight.FlightDescriptor.for_path(name),
                                              [flight.FlightEndpoint(name.encode(), [])], table.num_rows, table.nbytes)
                      for name, table in self.tables.items()}

    def get_flight_info(self, context, descriptor):
        return self.infos[descriptor.path[0].decode()]

    def do_get(self, context, ticket):
        return flight.RecordBatchStream(self.tables[ticket.ticket.decode()])

    def do_put(self, context, descriptor, reader, writer):
        name = descriptor.path[0].decode()
        if name.startswith("drop"):
            for _ in reader:
                pass
            return
        with tempfile.NamedTemporaryFile(dir=self.store, delete=False) as file:
            with pa.ipc.new_file(file, reader.schema) as out:
                for chunk in reader:
                    out.write_batch(chunk.data)
            file.flush()
            os.fsync(file.fileno())
        os.rename(file.name, os.path.join(self.store, name + ".feather"))


def run_peer(location, path, store, certificates):
    server = PeerServer(location, path, store, pathlib.Path(certificates) if certificates else None)
    print(location if location.startswith("grpc+unix") else location.removesuffix("0") + str(server.port), flush=True)
    server.serve()


class Process:
    """A server process: where it listens, and what it has cost."""

    def __init__(self, command, uri):
        self.process, self.uri = command, uri

    def cpu(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        if self.process.stdin:
            self.process.stdin.close()
        self.process.terminate()
        self.process.wait(20)


def start_fletch(program, path, folder, certificates=None, listen="localhost:0"):
    ready = os.path.join(folder, f"ready-{time.monotonic_ns()}")
    words = ["--tls-cert", certificates / "server.pem", "--tls-key", certificates / "server.key"] if certificates else []
    process = subprocess.Popen([program, "serve", path, "--database", os.path.join(folder, "database"), "--listen", listen,
                                "--quiet", "--ready-file", ready, *words], stderr=subprocess.DEVNULL)
    while not os.path.exists(ready):
        assert process.poll() is None, "fletch serve did not start"
        time.sleep(0.01)
    return Process(process, pathlib.Path(ready).read_text().strip().replace("127.0.0.1", "localhost"))


def start_dropper(program, certificates=None, listen="127.0.0.1:0"):
    """Fletch's echo program: its Flight service checks every value of what is put, and drops it."""
    words = ["tls", certificates / "server.pem", certificates / "server.key"] if certificates else []
    process = subprocess.Popen([os.path.join(os.path.dirname(program), "fletch-grpc-echo"), "serve", listen, *words],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    address = process.stdout.readline().strip()
    if address.startswith("unix:"):
        return Process(process, "grpc+unix://" + address[5:])
    return Process(process, f"grpc{'+tls' if certificates else ''}://" + address.replace("127.0.0.1", "localhost"))


def start_peer(path, folder, certificates=None, location=None):
    location = location or f"grpc{'+tls' if certificates else ''}://localhost:0"
    store = os.path.join(folder, "peer-store")
    os.makedirs(store, exist_ok=True)
    process = subprocess.Popen([sys.executable, __file__, location, path, store, str(certificates or "")],
                               stdout=subprocess.PIPE, text=True)
    return Process(process, process.stdout.readline().strip())


if __name__ == "__main__":
    run_peer(*sys.argv[1:])
