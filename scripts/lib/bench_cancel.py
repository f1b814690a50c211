"""How long a query that is stopped goes on: from the cancel to the moment when the engine is free, for each kind of query and each way to stop it.

Each kind runs to its end (or for a few seconds) once; then it is cancelled at moments spread over that time, by a fresh server (statistics and
codes are made in the query then) and by one that has run it. The longest time to the end is printed, as the server's log of statements has it.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

import grpc
import pyarrow as pa

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(TOP / "Tests" / "Clients"))
import flightsql_proto as proto  # noqa: E402
from servers import serve, wait_until  # noqa: E402
from sqlserver import Raw, command, raw_statement, update  # noqa: E402

RECURSION = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n)"
COLUMNS = {
    "scan": "SELECT count(*) AS n FROM readings WHERE (device || id) LIKE '%zz%'",
    "scan of texts": "SELECT count(*) AS n FROM readings WHERE device LIKE '%zz%' OR region = 'x'",
    "scan, all rows": "SELECT * FROM readings",
    "10M groups": "SELECT id, count(*) AS n, sum(qty) AS q FROM readings GROUP BY id",
    "10M groups of texts": "SELECT device || id AS k, count(*) AS n FROM readings GROUP BY device || id",
    "100,000 groups": "SELECT bucket, count(*) AS n, count(DISTINCT qty) AS q FROM readings GROUP BY bucket",
    "count distinct": "SELECT count(DISTINCT id) AS a, count(DISTINCT value) AS b FROM readings",
    "distinct": "SELECT DISTINCT bucket, qty FROM readings",
    "sort by a double": "SELECT id, value FROM readings ORDER BY value",
    "sort by texts": "SELECT id FROM readings ORDER BY device, region, value",
    "top 100,000": "SELECT id, value FROM readings ORDER BY value DESC, id LIMIT 100000",
    "join, 10M by 10M": "SELECT count(*) AS n FROM readings AS a JOIN readings AS b ON a.id = b.id",
    "join of texts": "SELECT count(*) AS n FROM readings AS a JOIN readings AS b ON a.device || a.id = b.device || b.id",
    "join, many pairs": "SELECT count(*) AS n FROM readings AS a JOIN readings AS b ON a.bucket = b.bucket",
    "cross join": "SELECT count(*) AS n FROM readings AS a, readings AS b WHERE a.value + b.value < 0",
    "compound": "SELECT id FROM readings UNION SELECT id + 5 FROM readings",
    "except": "SELECT bucket, qty FROM readings EXCEPT SELECT qty, bucket FROM readings",
    "groups, HAVING": "SELECT bucket, avg(value) AS v FROM readings GROUP BY bucket HAVING count(*) > 10 AND max(id) > 5",
    "groups of groups": "SELECT n, count(*) AS c FROM (SELECT bucket, qty, count(*) AS n FROM readings GROUP BY bucket, qty) GROUP BY n",
    "window, ranked": "SELECT id, row_number() OVER (PARTITION BY device ORDER BY value) AS n FROM readings",
    "window, sums": "SELECT id, sum(value) OVER (PARTITION BY bucket ORDER BY id) AS s, lag(qty) OVER (ORDER BY value) AS l FROM readings",
    "IN of a subquery": "SELECT count(*) AS n FROM readings WHERE id IN (SELECT id + qty FROM readings)",
}
SQLITE = {
    "recursion": f"{RECURSION} SELECT count(*) AS n FROM n",
    "recursion, sorted": f"{RECURSION} SELECT x FROM n ORDER BY -x",
    "cross join": "SELECT count(*) AS n FROM readings AS a, readings AS b WHERE a.value + b.value < 0",
    "ORDER BY": "SELECT id, value FROM readings ORDER BY value, id",
    "ORDER BY, ordinary table": "SELECT id, device, value FROM plain ORDER BY device, value",
    "GROUP BY": "SELECT bucket, count(*) AS n FROM readings GROUP BY bucket",
    "DISTINCT": "SELECT DISTINCT bucket, qty FROM readings",
    "printf filter": "SELECT count(*) AS n FROM readings WHERE printf('%d', id) LIKE '%zz%'",
    "pushed filter": "SELECT count(printf('%d', id)) AS n FROM readings WHERE device = 'none' AND region > 'z'",
    "join by look-ups": "SELECT count(printf('%d', b.id)) AS n FROM readings AS a JOIN readings AS b ON b.bucket = a.id",
    "join of ordinary tables": "SELECT count(*) AS n FROM plain AS a JOIN plain AS b ON a.device = b.device AND a.value = b.value",
    "INSERT … SELECT": "INSERT INTO taken SELECT id, device, value FROM readings",
    "CREATE INDEX": "CREATE INDEX by_device ON plain (device, value)",
    "DELETE": "DELETE FROM plain WHERE id % 2 = 0",
    "UPDATE": "UPDATE plain SET value = value + 1",
    "DROP TABLE": "DROP TABLE plain",
    "UPDATE, published": "UPDATE readings SET qty = qty + 1",
    "integrity_check": "PRAGMA integrity_check",
}


class Bench:
    def __init__(self, binary, rows, points, limit):
        self.binary, self.points, self.limit = pathlib.Path(binary), points, limit
        self.programs = type("Programs", (), {"folder": self.binary.parent})
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="fletch-cancel-", dir="/dev/shm"))
        self.data = self.folder / "readings.feather"
        subprocess.run([binary, "sample", "--kind", "readings", "--rows", str(rows), "-o", self.data], check=True, capture_output=True)
        self.rows = rows

    def raw(self, server, side):
        """A connection whose queries go one way."""
        raw = Raw(server)
        if side == "SQLite":
            request = proto.message("SetSessionOptionsRequest")()
            request.session_options["fletch_engine"].string_value = "sqlite"
            raw.act("SetSessionOptions", request)
        return raw

    def serve(self, *words):
        return serve(self.programs, self.folder, self.data, "--log-statements", "--memory-limit", "4G", *words)

    def records(self, server):
        lines = [json.loads(line) for line in server.log.read_text(errors="replace").splitlines() if line.startswith("{")]
        return [line for line in lines if line.get("event") in ("statement", "slow-query")]

    def ended(self, server, sql, count):
        """The log's record of a statement, once there are so many."""
        def found():
            return [record for record in self.records(server) if record["sql"] == sql]
        assert wait_until(lambda: len(found()) > count, 120), f"it does not end: {sql}"
        return found()[-1]

    def count(self, server, sql):
        return sum(record["sql"] == sql for record in self.records(server))

    def run(self, server, sql, after, side="columns"):
        """Runs it and cancels it so many seconds later; returns milliseconds to its end, or None where it was done before."""
        before = self.count(server, sql)
        with self.raw(server, side) as raw:
            started = time.monotonic()
            call = raw.get(proto.message("Ticket")(ticket=sql.encode()), timeout=600)
            done = threading.Event()

            def read():
                try:
                    for _ in call:
                        pass
                except grpc.RpcError:
                    pass
                done.set()
            threading.Thread(target=read, daemon=True).start()
            done.wait(after)
            call.cancel()
            record = self.ended(server, sql, before)
            return record.get("stopping_ms"), record.get("way"), time.monotonic() - started

    def kind(self, name, sql, side, session=()):
        """Prints the longest time to the end, cold and warm."""
        writes = side == "SQLite" and sql.split()[0] in ("INSERT", "CREATE", "DELETE", "UPDATE", "DROP")
        worst = {"cold": (0.0, 0.0), "warm": (0.0, 0.0)}
        ways = set()
        with self.make(side) as server:
            begun = time.monotonic()
            stopping, way, whole = self.run(server, sql, self.limit, side)
            duration = min(time.monotonic() - begun, self.limit)
            ways.add(way)
            if stopping is not None:
                worst["cold"] = max(worst["cold"], (stopping, duration))
            if not writes:
                # Again: what the first found out is known.
                _, _, warm = self.run(server, sql, self.limit, side)
                for i in range(self.points):
                    after = min(warm, self.limit) * (i + 0.5) / self.points
                    stopping, way, _ = self.run(server, sql, after, side)
                    if stopping is not None:
                        worst["warm"] = max(worst["warm"], (stopping, after))
        for i in range(self.points):
            with self.make(side) as server:
                after = duration * (i + 0.5) / self.points
                stopping, way, _ = self.run(server, sql, after, side)
                ways.add(way)
                if stopping is not None:
                    worst["cold"] = max(worst["cold"], (stopping, after))
        cold, warm = worst["cold"], worst["warm"]
        print(f"| {name} | {', '.join(sorted(str(way) for way in ways))} | {duration:.2f} | {cold[0]:.1f} (at {cold[1]:.2f}) | {warm[0]:.1f} (at {warm[1]:.2f}) |", flush=True)

    def make(self, side):
        if side == "columns":
            return self.serve()
        return self.serve("--database", self.fresh())

    def fresh(self):
        """A database with ordinary tables, copied for each server: those that write change it."""
        import shutil
        import uuid
        made = self.folder / "made"
        if not made.exists():
            with self.serve("--database", made) as server:
                update(server, "CREATE TABLE plain AS SELECT id, device, value FROM readings", "CREATE TABLE taken (id INTEGER, device TEXT, value REAL)")
        for old in self.folder.glob("copy-*"):
            shutil.rmtree(old)
        copy = self.folder / f"copy-{uuid.uuid4().hex}"
        shutil.copytree(made, copy)
        return copy

    def ingests(self):
        """A load of the rows again and again, stopped in each way after a while: what is measured is the time until all is undone."""
        program = """
import sys, pyarrow as pa
from pyarrow import feather
import adbc_driver_flightsql.dbapi as dbapi
table = feather.read_table(sys.argv[2], memory_map=True)
def batches():
    while True:
        yield from table.to_batches(max_chunksize=50_000)
options = {"adbc.flight.sql.rpc.timeout_seconds.update": sys.argv[3]} if float(sys.argv[3]) > 0 else {}
with dbapi.connect(sys.argv[1], autocommit=True, db_kwargs=options) as connection, connection.cursor() as cursor:
    cursor.adbc_ingest(sys.argv[4], pa.RecordBatchReader.from_batches(table.schema, batches()), mode=sys.argv[5])
"""

        def measure(kind, name, mode, way, seconds, *words, deadline=0.0):
            with self.serve(*words) as server:
                update(server, "CREATE TABLE plain (id INTEGER, device TEXT, region TEXT, ts TEXT, qty INTEGER, bucket INTEGER, value REAL)") if name == "plain" else None
                sql = f"INGEST INTO {name}"
                process = subprocess.Popen([sys.executable, "-c", program, server.uri, self.data, str(deadline), name, mode], stderr=subprocess.DEVNULL)
                time.sleep(seconds)
                if way == "the connection is closed":
                    process.kill()
                record = self.ended(server, sql, 0)
                process.kill()
                process.wait()
                print(f"| {kind} | {way} | {record['outcome']} | {record.get('stopping_ms', 0):.1f} |", flush=True)

        for kind, name, mode in (("ingest, published", "loaded", "create"), ("ingest, ordinary table", "plain", "append")):
            measure(kind, name, mode, "the connection is closed", 3)
            measure(kind, name, mode, "the call's deadline", 1, deadline=2.0)
            measure(kind, name, mode, "--timeout", 1, "--timeout", "2s")

    def ways(self, sql):
        """Each way to stop a query, in the middle of one that takes long."""
        def measure(name, stop, *words, begin=None, wait=0.4):
            with self.serve(*words) as server, Raw(server) as raw:
                before = self.count(server, sql)
                state = begin(server, raw) if begin else raw.get(proto.message("Ticket")(ticket=sql.encode()), timeout=600)
                time.sleep(wait)
                stop(server, raw, state)
                record = self.ended(server, sql, before)
                print(f"| {name} | {record['outcome']} | {record.get('stopping_ms', 0):.1f} |", flush=True)

        def info(server, raw):
            answer = raw.info(raw_statement(sql))
            call = raw.get(proto.message("Ticket")(ticket=answer.endpoint[0].ticket.ticket))
            return answer, call

        def gone(server, raw):
            program = "import sys; from pyarrow import flight; flight.connect(sys.argv[1]).do_get(flight.Ticket(sys.argv[2])).read_all()"
            return subprocess.Popen([sys.executable, "-c", program, server.uri, sql])

        measure("RST_STREAM", lambda server, raw, call: call.cancel())
        measure("CancelFlightInfo", lambda server, raw, state: raw.act("CancelFlightInfo", proto.message("CancelFlightInfoRequest")(info=state[0])), begin=info)
        measure("CancelQuery", lambda server, raw, state: raw.act("CancelQuery", command("ActionCancelQueryRequest", info=state[0].SerializeToString())), begin=info)
        measure("CancelFlightInfo while it is polled", lambda server, raw, state: raw.act("CancelFlightInfo", proto.message("CancelFlightInfoRequest")(info=state.info)), begin=lambda server, raw: raw.poll(raw_statement(sql)))
        measure("the call's deadline", lambda *_: None, begin=lambda server, raw: raw.get(proto.message("Ticket")(ticket=sql.encode()), timeout=0.4))
        measure("--timeout", lambda *_: None, "--timeout", "400ms")
        measure("the connection is closed", lambda server, raw, process: (process.kill(), process.wait()), begin=gone, wait=1.2)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--points", type=int, default=6)
    parser.add_argument("--limit", type=float, default=4.0, help="seconds after which a first run is cancelled")
    parser.add_argument("--only", default="", help="kinds with this in their name")
    parser.add_argument("--side", choices=["columns", "SQLite", "ways", "ingests"])
    options = parser.parse_args()
    bench = Bench(options.binary, options.rows, options.points, options.limit)
    try:
        for side, kinds in (("columns", COLUMNS), ("SQLite", SQLITE)):
            if options.side not in (None, side):
                continue
            print(f"\n{side}, {options.rows:,} rows: milliseconds from the cancel until the engine is free, the longest of {options.points} moments\n")
            print("| query | way | whole s | cold | warm |\n|---|---|---|---|---|")
            for name, sql in kinds.items():
                if options.only in name:
                    try:
                        bench.kind(name, sql, side)
                    except (AssertionError, subprocess.TimeoutExpired, RuntimeError) as error:
                        print(f"| {name} | {str(error)[:100]} | | | |", flush=True)
        if options.side in (None, "ingests"):
            print("\n| ingest | stopped by | outcome | ms until the engine is free |\n|---|---|---|---|")
            bench.ingests()
        if options.side in (None, "ways"):
            print("\n| way | outcome | ms until the engine is free |\n|---|---|---|")
            bench.ways("SELECT count(*) AS n FROM readings WHERE (device || id) LIKE '%z%z%'")
            bench.ways(SQLITE["recursion"])
    finally:
        import shutil
        shutil.rmtree(bench.folder)


main()
