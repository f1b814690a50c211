"""scripts/bench sql: the queries in sql/bench/ through Flight, against DuckDB behind a pyarrow Flight server and roapi over HTTP, which is how
their users have them. Every server is a process of its own, on the same file; the client is the same one; rounds go from server to
server, so that a disturbance meets all of them. Answers are compared before anything is measured."""

import argparse
import contextlib
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import pyarrow as pa
import pyarrow.compute
from pyarrow import flight

TOP = pathlib.Path(__file__).resolve().parents[2]
SMALL = "SELECT * FROM readings WHERE id = {}"


class FlightPeer:
    """A server of Flight that takes SQL as a ticket."""

    def __init__(self, name, uri, put):
        self.name, self.uri, self.put = name, uri, put
        self.client = flight.connect(uri)

    def query(self, sql):
        return self.client.do_get(flight.Ticket(sql)).read_all()

    def another(self):
        return FlightPeer(self.name, self.uri, self.put)

    def ingest(self, table):
        writer, reader = self.client.do_put(flight.FlightDescriptor.for_path(self.put), table.schema)
        with writer:
            writer.write_table(table, 65_536)
            writer.done_writing()
            reader.read()


class RoapiPeer:
    name = "roapi"

    def __init__(self, port):
        self.port = port

    def query(self, sql):
        request = urllib.request.Request(
            f"http://localhost:{self.port}/api/sql", sql.encode(), {"Accept": "application/vnd.apache.arrow.stream"})
        with urllib.request.urlopen(request, timeout=300) as answer:
            return pa.ipc.open_stream(answer.read()).read_all()

    def another(self):
        return RoapiPeer(self.port)


@contextlib.contextmanager
def serve_fletch(program, path, folder):
    ready = folder / "ready"
    process = subprocess.Popen([program, "serve", path, "--listen", "localhost:0", "--ready-file", ready, "--quiet"], stderr=subprocess.DEVNULL)
    try:
        wait(lambda: ready.exists(), process)
        yield FlightPeer("fletch", ready.read_text().split()[0], "uploaded")
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def serve_duckdb(program, path, folder):
    process = subprocess.Popen(
        [sys.executable, TOP / "scripts/lib/duckdb_server.py", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        uri = process.stdout.readline().strip()
        assert uri, "DuckDB's server did not start"
        yield FlightPeer("duckdb", uri, "uploaded")
    finally:
        process.stdin.close()
        process.wait(30)


@contextlib.contextmanager
def serve_roapi(program, path, folder):
    roapi = pathlib.Path(sys.executable).with_name("roapi")
    if not roapi.exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "roapi==0.12.7"], check=True)
    port = 18_000 + os.getpid() % 10_000
    arrow = folder / "readings.arrow"
    if not arrow.exists():
        arrow.symlink_to(path)
    log = open(folder / "roapi.log", "wb")
    process = subprocess.Popen([roapi, "--table", f"readings={arrow}", "--addr-http", f"localhost:{port}"],
                               stdout=log, stderr=log)
    try:
        peer = RoapiPeer(port)

        def answers():
            try:
                return peer.query("SELECT 1 AS x").num_rows == 1
            except OSError:
                return False
        wait(answers, process)
        yield peer
    finally:
        process.terminate()
        process.wait(30)


SERVERS = {"fletch": serve_fletch, "duckdb": serve_duckdb, "roapi": serve_roapi}


def wait(condition, process, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"{process.args[0]} did not start")
        time.sleep(0.05)


def canonical(table):
    """Rows in an order of their own, numbers as numbers: what two servers must agree in."""
    def value(x):
        if isinstance(x, float):
            return 0.0 if x == 0 else float(f"{x:.9g}")
        return int(x) if hasattr(x, "as_integer_ratio") else str(x) if x is not None else None
    rows = [tuple(value(x) for x in row.values()) for row in table.to_pylist()]
    return sorted(rows, key=repr)


def agree(expected, table, sql):
    if expected.num_rows != table.num_rows or expected.num_columns != table.num_columns:
        return False
    if expected.num_rows > 200_000:
        # Of a long stream the first numbers and their sums say enough.
        return all(
            math.isclose(pa.compute.sum(expected.column(i)).as_py(), pa.compute.sum(table.column(i)).as_py(), rel_tol=1e-9)
            for i, field in enumerate(expected.schema) if pa.types.is_integer(field.type) or pa.types.is_floating(field.type))
    return canonical(expected) == canonical(table)


def seconds(body):
    started = time.perf_counter()
    body()
    return time.perf_counter() - started


def measure(peers, name, body, rounds):
    """Medians of each peer, in turns."""
    times = {peer.name: [] for peer in peers}
    for number in range(rounds + 1):
        for peer in peers:
            spent = seconds(lambda: body(peer))
            # The first round is for caches.
            if number:
                times[peer.name].append(spent)
    return {peer: statistics.median(values) for peer, values in times.items()}


def small_queries(peers, rows, clients, duration):
    """Queries a second with so many clients, each with a connection of its own."""
    rates = {peer.name: [] for peer in peers}
    for _ in range(3):
        for peer in peers:
            counts, stop = [0] * clients, time.perf_counter() + duration

            def work(index):
                mine, number = peer.another(), index
                while time.perf_counter() < stop:
                    mine.query(SMALL.format(number % rows))
                    counts[index] += 1
                    number += 7919
            threads = [threading.Thread(target=work, args=(i,)) for i in range(clients)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            rates[peer.name].append(sum(counts) / duration)
    return {peer: statistics.median(values) for peer, values in rates.items()}


def line(name, values, unit, others, is_rate=False):
    cells = [f"{name:<24}"] + [f"{values[peer]:>12.1f} {unit}" if peer in values else f"{'–':>15}" for peer in ["fletch", *others]]
    for peer in others:
        if peer in values:
            ratio = values["fletch"] / values[peer] if is_rate else values[peer] / values["fletch"]
            cells.append(f"{ratio:>10.2f}")
        else:
            cells.append(f"{'–':>10}")
    print("".join(cells), flush=True)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench sql")
    parser.add_argument("program")
    parser.add_argument("--rows", default="1000000,10000000", help="rows of readings, several with commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", default="duckdb,roapi", help="of duckdb, roapi")
    parser.add_argument("--only", choices=["queries", "small", "ingest"], help="a part of it")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each run of small queries")
    arguments = parser.parse_args()
    others = [name for name in arguments.peers.split(",") if name]
    queries = {path.stem: path.read_text().strip().rstrip(";") for path in sorted((TOP / "sql/bench").glob("*.sql"))}
    for rows in map(int, arguments.rows.split(",")):
        with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
            folder = pathlib.Path(name)
            path = folder / "readings.feather"
            subprocess.run([arguments.program, "sample", "--kind", "readings", "--rows", str(rows), "-o", path], check=True, stdout=subprocess.DEVNULL)
            peers = [stack.enter_context(SERVERS[peer](arguments.program, path, folder)) for peer in ["fletch", *others]]
            before = os.getloadavg()
            print(f"\n{rows:,} rows; {os.cpu_count()} cores, load {before[0]:.1f} before; medians of {arguments.rounds} rounds in turns; "
                  "ratios above 1: Fletch is faster")
            print(f"{'':<24}" + "".join(f"{peer:>15}" for peer in ["fletch", *others]) + "".join(f"{peer + ' /':>10}" for peer in others))
            if arguments.only in (None, "queries"):
                run_queries(peers, others, queries, arguments.rounds)
            if arguments.only in (None, "small"):
                for clients in (1, 8, 64):
                    rates = small_queries(peers, rows, clients, arguments.seconds)
                    line(f"point, {clients} clients", rates, "/s", others, is_rate=True)
            if arguments.only in (None, "ingest"):
                table = pa.ipc.open_file(pa.memory_map(str(path))).read_all().slice(0, 1_000_000)
                takers = [peer for peer in peers if hasattr(peer, "ingest")]
                times = measure(takers, "ingest", lambda peer: peer.ingest(table), arguments.rounds)
                line("ingest of 1M rows", {peer: spent * 1000 for peer, spent in times.items()}, "ms", others)
            print(f"load {os.getloadavg()[0]:.1f} after")


def run_queries(peers, others, queries, rounds):
    ratios = {peer: [] for peer in others}
    for name, sql in queries.items():
        answers = {}
        for peer in peers:
            try:
                answers[peer.name] = peer.query(sql)
            except (OSError, pa.ArrowException, flight.FlightError) as error:
                print(f"{name:<24}{peer.name} does not answer: {str(error)[:100]}")
        for peer in others:
            if peer in answers and not agree(answers["fletch"], answers[peer], sql):
                raise SystemExit(f"{name}: fletch and {peer} do not agree")
        able = [peer for peer in peers if peer.name in answers]
        del answers
        times = measure(able, name, lambda peer: peer.query(sql), rounds)
        for peer in others:
            if peer in times:
                ratios[peer].append(times[peer] / times["fletch"])
        line(name, {peer: spent * 1000 for peer, spent in times.items()}, "ms", others)
    means = [f"{peer} {statistics.geometric_mean(values):.2f}" for peer, values in ratios.items() if values]
    print(f"{'geometric mean':<24}" + ", ".join(means), flush=True)


main()
