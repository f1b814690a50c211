"""scripts/bench sql: the queries in sql/bench/ through Flight, against DuckDB behind a pyarrow Flight server and roapi over HTTP, which is how
their users have them. Every server is a process of its own, on the same file; the client is the same one; rounds go from server to
server, so that a disturbance meets all of them. Answers are compared before anything is measured.

Small queries are asked by threads of one Python process, each with a connection of its own, and by h2load, which needs far less
CPU for itself and asks the same one again and again. For aggregates the limit is told, too: how long all cores take to read the columns once, in the same run."""

import argparse
import contextlib
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

import numpy
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


def h2load(peer, connections, duration, folder):
    """DoGet of one point query by as many connections: calls a second."""
    sql = SMALL.format(4711).encode()
    ticket = b"\x0a" + bytes([len(sql)]) + sql
    body = folder / "ticket"
    body.write_bytes(b"\0" + len(ticket).to_bytes(4, "big") + ticket)
    done = subprocess.run(
        ["h2load", "-c", str(connections), "-m", "1", "-t", "1", "-D", str(duration), "-d", body, "-H", "content-type: application/grpc",
         "-H", "te: trailers", peer.uri.replace("grpc://", "http://") + "/arrow.flight.protocol.FlightService/DoGet"],
        capture_output=True, text=True, timeout=120)
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", done.stdout)
    failed = re.search(r"(\d+) failed, (\d+) errored", done.stdout)
    assert rate and failed and failed.groups() == ("0", "0"), done.stdout
    return float(rate[1])


# The columns that a query cannot do without.
SCANNED = {"aggregate": ["value", "qty"], "filtered_aggregate": ["region", "value", "qty"]}


def reading(path, names):
    """Seconds in which all cores read the columns once, as they are in the file: the best of several times."""
    table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    buffers = [buffer for name in names for chunk in table[name].chunks for buffer in chunk.buffers() if buffer]
    words = [numpy.frombuffer(buffer, "u8", buffer.size // 8) for buffer in buffers]
    cores = os.cpu_count()

    def work(core):
        for array in words:
            numpy.add.reduce(array[len(array) * core // cores:len(array) * (core + 1) // cores])

    def once():
        threads = [threading.Thread(target=work, args=(core,)) for core in range(cores)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return min(seconds(once) for _ in range(7)), sum(buffer.size for buffer in buffers)


def chart(path, title, rows, others):
    """Bars of peer/Fletch, a row for each query, as a picture."""
    try:
        import matplotlib
    except ImportError:
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "matplotlib==3.10.8"], check=True)
        import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot
    figure, axes = pyplot.subplots(figsize=(9, 0.32 * len(rows) * max(1, len(others)) + 1.6))
    height = 0.8 / max(1, len(others))
    for number, peer in enumerate(others):
        places = [i + number * height for i, (_, ratios) in enumerate(rows) if peer in ratios]
        values = [ratios[peer] for _, ratios in rows if peer in ratios]
        bars = axes.barh(places, values, height, label=peer)
        axes.bar_label(bars, [f"{value:.1f}" for value in values], padding=3, fontsize=8)
    axes.set_yticks([i + 0.4 - height / 2 for i in range(len(rows))], [name for name, _ in rows])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlabel("times as long as Fletch takes (above 1: Fletch is faster)")
    axes.set_title(title, fontsize=10)
    axes.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=110)


def line(name, values, unit, others, is_rate=False):
    ratios = {}
    cells = [f"{name:<24}"] + [f"{values[peer]:>12.1f} {unit}" if peer in values else f"{'–':>15}" for peer in ["fletch", *others]]
    for peer in others:
        if peer in values:
            ratios[peer] = values["fletch"] / values[peer] if is_rate else values[peer] / values["fletch"]
            cells.append(f"{ratios[peer]:>10.2f}")
        else:
            cells.append(f"{'–':>10}")
    print("".join(cells), flush=True)
    return name, ratios


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench sql")
    parser.add_argument("program")
    parser.add_argument("--rows", default="1000000,10000000", help="rows of readings, several with commas")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", default="duckdb,roapi", help="of duckdb, roapi")
    parser.add_argument("--only", choices=["queries", "small", "ingest"], help="a part of it")
    parser.add_argument("--queries", help="only these of sql/bench, with commas")
    parser.add_argument("--chart", help="a PNG of the ratios, of the last number of rows")
    parser.add_argument("--seconds", type=float, default=2.0, help="of each run of small queries")
    arguments = parser.parse_args()
    others = [name for name in arguments.peers.split(",") if name]
    queries = {path.stem: path.read_text().strip().rstrip(";") for path in sorted((TOP / "sql/bench").glob("*.sql"))}
    if arguments.queries:
        queries = {name: queries[name] for name in arguments.queries.split(",")}
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
            lines = []
            if arguments.only in (None, "queries"):
                lines += run_queries(peers, others, queries, arguments.rounds, path)
            if arguments.only in (None, "small"):
                for clients in (1, 8, 64):
                    rates = small_queries(peers, rows, clients, arguments.seconds)
                    lines.append(line(f"point, {clients} clients", rates, "/s", others, is_rate=True))
                flights = [peer for peer in peers if hasattr(peer, "uri")]
                for clients in (1, 8, 64):
                    rates = {peer.name: h2load(peer, clients, 3, folder) for peer in flights}
                    lines.append(line(f"point, {clients} by h2load", rates, "/s", others, is_rate=True))
            if arguments.only in (None, "ingest"):
                table = pa.ipc.open_file(pa.memory_map(str(path))).read_all().slice(0, 1_000_000)
                takers = [peer for peer in peers if hasattr(peer, "ingest")]
                times = measure(takers, "ingest", lambda peer: peer.ingest(table), arguments.rounds)
                lines.append(line("ingest of 1M rows", {peer: spent * 1000 for peer, spent in times.items()}, "ms", others))
            if arguments.chart:
                chart(arguments.chart, f"SQL through Flight, {rows:,} rows, {os.cpu_count()} cores", lines, others)
            print(f"load {os.getloadavg()[0]:.1f} after")


def run_queries(peers, others, queries, rounds, path):
    ratios = {peer: [] for peer in others}
    lines = []
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
        lines.append(line(name, {peer: spent * 1000 for peer, spent in times.items()}, "ms", others))
        if name in SCANNED:
            limit, size = reading(path, SCANNED[name])
            print(f"{'  reading its columns':<24}{limit * 1000:>12.1f} ms, {size / limit / 1e9:.1f} GB/s by {os.cpu_count()} threads; "
                  f"Fletch takes {times['fletch'] / limit:.1f} times that")
    means = [f"{peer} {statistics.geometric_mean(values):.2f}" for peer, values in ratios.items() if values]
    if means:
        print(f"{'geometric mean':<24}" + ", ".join(means), flush=True)
    return lines


main()
