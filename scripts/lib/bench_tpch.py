"""scripts/bench tpch: TPC-H's 22 queries through Flight, against DuckDB behind a pyarrow Flight server. Each is a process of its own with the same
data in memory, the client is the same one, and rounds go from server to server. Answers are compared before anything is measured."""

import argparse
import contextlib
import decimal
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from pyarrow import flight

import tpch_data

TOP = pathlib.Path(__file__).resolve().parents[2]


def wait(condition, process, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"{process.args[0]} did not start")
        time.sleep(0.05)


@contextlib.contextmanager
def serve_fletch(program, files, folder):
    ready = folder / "ready"
    process = subprocess.Popen(
        [program, "serve", *files.values(), "--listen", "localhost:0", "--ready-file", ready, "--quiet"], stderr=subprocess.DEVNULL)
    try:
        wait(ready.exists, process)
        yield flight.connect(ready.read_text().split()[0])
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def serve_duckdb(program, files, folder):
    process = subprocess.Popen(
        [sys.executable, TOP / "scripts/lib/duckdb_server.py", *(f"{table}={path}" for table, path in files.items())],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        uri = process.stdout.readline().strip()
        assert uri, "DuckDB's server did not start"
        yield flight.connect(uri)
    finally:
        process.stdin.close()
        process.wait(30)


def query(client, sql):
    return client.do_get(flight.Ticket(sql)).read_all()


def rows(table):
    def value(x):
        if isinstance(x, decimal.Decimal):
            return float(x)
        return x if x is None or isinstance(x, (int, float)) else str(x)
    return [[value(x) for x in row.values()] for row in table.to_pylist()]


def agree(a, b):
    def same(x, y):
        if isinstance(x, (int, float)) and isinstance(y, (int, float)):
            return math.isclose(x, y, rel_tol=1e-9)
        return x == y
    return len(a) == len(b) and all(all(map(same, x, y)) for x, y in zip(a, b))


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench tpch")
    parser.add_argument("program")
    parser.add_argument("--scale", default="1", help="scale factor: 1 is 6 million lines of orders, 1.4 GB")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--queries", help="of q01 to q22, several with commas; all without")
    parser.add_argument("--data", help="where the data is, or is made and stays; else it is made and removed again")
    arguments = parser.parse_args()
    queries = tpch_data.queries()
    if arguments.queries:
        queries = {name: queries[name] for name in arguments.queries.split(",")}
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = pathlib.Path(name)
        data = pathlib.Path(arguments.data) if arguments.data else folder
        data.mkdir(parents=True, exist_ok=True)
        files = tpch_data.generate(data, arguments.scale)
        peers = {
            "fletch": stack.enter_context(serve_fletch(arguments.program, files, folder)),
            "duckdb": stack.enter_context(serve_duckdb(arguments.program, files, folder))}
        print(f"TPC-H at scale factor {arguments.scale}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before; "
              f"first run and median of {arguments.rounds} more in turns; ratios above 1: Fletch is faster")
        print(f"{'':<8}{'rows':>8}{'fletch first':>16}{'fletch':>12}{'duckdb first':>16}{'duckdb':>12}{'duckdb / fletch':>18}")
        ratios, sums = [], {"fletch": 0.0, "duckdb": 0.0}
        for name, sql in queries.items():
            first, answers, times = {}, {}, {"fletch": [], "duckdb": []}
            for peer, client in peers.items():
                started = time.perf_counter()
                answers[peer] = query(client, sql)
                first[peer] = time.perf_counter() - started
            if not agree(rows(answers["fletch"]), rows(answers["duckdb"])):
                raise SystemExit(f"{name}: fletch and duckdb do not agree")
            for _ in range(arguments.rounds):
                for peer, client in peers.items():
                    started = time.perf_counter()
                    query(client, sql)
                    times[peer].append(time.perf_counter() - started)
            median = {peer: statistics.median(values) for peer, values in times.items()}
            for peer in sums:
                sums[peer] += median[peer]
            ratios.append(median["duckdb"] / median["fletch"])
            print(f"{name:<8}{answers['fletch'].num_rows:>8}{first['fletch'] * 1000:>13.1f} ms{median['fletch'] * 1000:>9.1f} ms"
                  f"{first['duckdb'] * 1000:>13.1f} ms{median['duckdb'] * 1000:>9.1f} ms{ratios[-1]:>18.2f}", flush=True)
        print(f"{'all':<8}{'':>8}{'':>16}{sums['fletch'] * 1000:>9.1f} ms{'':>16}{sums['duckdb'] * 1000:>9.1f} ms"
              f"{sums['duckdb'] / sums['fletch']:>18.2f}")
        print(f"geometric mean of the ratios {statistics.geometric_mean(ratios):.2f}; load {os.getloadavg()[0]:.1f} after")


main()
