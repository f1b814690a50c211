"""Many clients at once, some of which die: answers stay right, nothing is lost that was acknowledged, and nothing stays behind.

FLETCH_LOAD_SECONDS=600 FLETCH_LOAD_CLIENTS=64 make it the long run that is done by hand."""
import json
import multiprocessing
import os
import random
import signal
import time

import pyarrow as pa
import pytest
from pyarrow import flight

from servers import IS_SANITIZED, wait_until
from sqlserver import ask, connect, serve_sql, update

SECONDS = float(os.environ.get("FLETCH_LOAD_SECONDS", "15"))
CLIENTS = int(os.environ.get("FLETCH_LOAD_CLIENTS", "12"))
ACCOUNTS, MONEY = 20, 1000


class Diary:
    """What one client was told, in a file of its own: one that is killed takes nothing of it along, nor a lock that others wait for."""

    def __init__(self, folder, number):
        folder.mkdir(exist_ok=True)
        self.file = os.open(folder / str(number), os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def put(self, event):
        os.write(self.file, json.dumps(event).encode() + b"\n")

    @staticmethod
    def read(folder):
        return [tuple(json.loads(line)) for path in folder.glob("*") for line in path.read_text().splitlines(keepends=True) if line.endswith("\n")]


def work(uri, number, seed, until, folder):
    """One client: transfers that keep a sum, queries that check it, loads, long queries that are left half read."""
    dice, acknowledged = random.Random(seed), Diary(folder, number)
    import adbc_driver_flightsql.dbapi as dbapi
    import adbc_driver_manager

    def transfer(connection):
        giver, taker, amount = dice.randrange(ACCOUNTS), dice.randrange(ACCOUNTS), dice.randrange(50)
        with connection.cursor() as cursor:
            cursor.execute("UPDATE accounts SET money = money - ? WHERE id = ?", (amount, giver)).fetchall()
            cursor.execute("UPDATE accounts SET money = money + ? WHERE id = ?", (amount, taker)).fetchall()
        if dice.random() < 0.2:
            connection.rollback()
        else:
            connection.commit()

    def check(connection):
        with connection.cursor() as cursor:
            assert cursor.execute("SELECT sum(money), count(*) FROM accounts").fetchall() == [(ACCOUNTS * MONEY, ACCOUNTS)], "money was made or lost"
            assert cursor.execute("SELECT count(*), sum(id), min(name) FROM sql_data").fetchall() == [(5, 15, "Alice")]
            limit = dice.randrange(1, 20_000)
            rows = cursor.execute("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?) SELECT x FROM n", (limit,)).fetch_arrow_table()
            assert rows.num_rows == limit and rows.column(0)[-1].as_py() == limit
        connection.rollback()

    def load(connection):
        stamp = dice.randrange(1 << 40)
        with connection.cursor() as cursor:
            cursor.adbc_ingest("loaded", pa.table({"client": [number] * 100, "stamp": [stamp] * 100}), mode="append")
        connection.commit()
        acknowledged.put(("load", stamp))

    def note(connection):
        stamp = dice.randrange(1 << 40)
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO notes VALUES (?, ?)", (number, stamp)).fetchall()
        connection.commit()
        acknowledged.put(("note", stamp))

    def leave(connection):
        with flight.connect(uri) as client:
            reader = client.do_get(flight.Ticket("WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"))
            reader.read_chunk()
            reader.cancel()

    connection = dbapi.connect(uri)
    while time.time() < until:
        task = dice.choices([transfer, check, load, note, leave], [4, 4, 1, 2, 1])[0]
        try:
            task(connection)
            if task in (transfer, check):
                acknowledged.put((task.__name__, 1))
        except adbc_driver_manager.Error as error:
            # Another transaction came first: begin again. Anything else is a fault, or the server that is ended.
            if not any(known in str(error) for known in ("database is locked", "Aborted")):
                acknowledged.put(("error", f"{task.__name__}: {error}"))
                return
            connection.rollback()
        except AssertionError as error:
            acknowledged.put(("error", f"{task.__name__}: {error}"))
            return
    connection.close()


def prepare(server):
    update(server, "CREATE TABLE accounts (id INTEGER PRIMARY KEY, money INTEGER NOT NULL)", "CREATE TABLE notes (client INTEGER, stamp INTEGER)",
           f"WITH RECURSIVE n(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM n WHERE x < {ACCOUNTS - 1}) INSERT INTO accounts SELECT x, {MONEY} FROM n")
    with connect(server) as connection, connection.cursor() as cursor:
        cursor.adbc_ingest("loaded", pa.table({"client": [0], "stamp": [0]}), mode="create")


def check_all(server, events):
    errors = [text for kind, text in events if kind == "error"]
    assert not errors, errors[:5]
    assert ask(server, "SELECT sum(money), count(*) FROM accounts") == [(ACCOUNTS * MONEY, ACCOUNTS)]
    notes = {stamp for stamp, in ask(server, "SELECT stamp FROM notes")}
    assert not {stamp for kind, stamp in events if kind == "note"} - notes, "acknowledged notes are gone"
    loads = dict(ask(server, "SELECT stamp, count(*) FROM loaded WHERE stamp > 0 GROUP BY stamp"))
    assert not {stamp for kind, stamp in events if kind == "load"} - set(loads), "acknowledged loads are gone"
    assert set(loads.values()) <= {100}, "loads are there whole, once, or not at all"
    repeated = ask(server, "SELECT count(*) FROM (SELECT stamp FROM notes GROUP BY stamp HAVING count(*) > 1)")
    assert repeated == [(0,)], "notes are there once"


def run(server, seconds, seed, kills, folder):
    """Clients for a while; now and then one is killed, and another comes in its place."""
    context = multiprocessing.get_context("spawn")
    until, dice, started = time.time() + seconds, random.Random(seed), 0
    clients = []
    while time.time() < until:
        clients = [client for client in clients if client.is_alive()]
        while len(clients) < CLIENTS and time.time() < until - 1:
            client = context.Process(target=work, args=(server.uri, started, seed + started, until, folder), daemon=True)
            client.start()
            clients.append(client)
            started += 1
        time.sleep(0.5)
        if kills and clients and dice.random() < 0.5:
            os.kill(dice.choice(clients).pid, signal.SIGKILL)
    for client in clients:
        client.join(60)
        if client.is_alive():
            client.kill()
            raise AssertionError("a client does not come to an end: is it waiting for ever?")
    return Diary.read(folder)


@pytest.mark.skipif(IS_SANITIZED, reason="too slow under the sanitizer")
def test_clients_that_die(programs, tmp_path):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    with serve_sql(programs, tmp_path) as server:
        prepare(server)
        ask(server, "SELECT count(*) FROM notes")
        descriptors, memory = server.descriptors(), server.own_kib()
        events = run(server, SECONDS, seed, True, tmp_path / "diaries")
        check_all(server, events)
        done = {kind: sum(event[0] == kind for event in events) for kind in ("transfer", "note", "load", "check")}
        print("done", done)
        assert all(done.values()), done
        assert wait_until(lambda: server.descriptors() <= descriptors + 140, 30), "connections or files stay open"
        # The connections to the database stay for the next statements; of memory beyond them little may.
        assert wait_until(lambda: server.own_kib() - memory < 160 << 10, 30), f"memory grew by {(server.own_kib() - memory) >> 10} MiB"


@pytest.mark.skipif(IS_SANITIZED, reason="too slow under the sanitizer")
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "ended"])
def test_a_restart_loses_nothing_acknowledged(programs, tmp_path, number):
    database = tmp_path / "database"
    context = multiprocessing.get_context("spawn")
    folder = tmp_path / "diaries"
    try:
        with serve_sql(programs, tmp_path, "--database", database, "--drain", 1) as server:
            prepare(server)
            until = time.time() + 60
            clients = [context.Process(target=work, args=(server.uri, i, i, until, folder), daemon=True) for i in range(4)]
            for client in clients:
                client.start()
            assert wait_until(lambda: sum(event[0] in ("note", "load") for event in Diary.read(folder)) > 40, 60)
            server.process.send_signal(number)
            server.process.wait(30)
            for client in clients:
                client.join(30)
                client.kill()
            server.process.returncode = 0
    finally:
        pass
    # Clients complain of the end of the server, which is right.
    events = [event for event in Diary.read(folder) if event[0] != "error"]
    assert events
    with serve_sql(programs, tmp_path, "--database", database) as server:
        check_all(server, events)


@pytest.mark.skipif(IS_SANITIZED, reason="the sanitizer's memory says nothing")
def test_a_slow_reader_of_ten_million_rows_costs_little(programs, tmp_path):
    sql = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 10000000) SELECT x, x * 2 AS y, 'a text' AS t FROM n"
    with serve_sql(programs, tmp_path) as server, flight.connect(server.uri) as client:
        client.do_get(flight.Ticket("SELECT 1")).read_all()
        before = server.own_kib()
        rows = most = 0
        reader = client.do_get(flight.Ticket(sql))
        for number, chunk in enumerate(reader):
            rows += chunk.data.num_rows
            if number % 20 == 0:
                time.sleep(0.02)
                most = max(most, server.own_kib() - before)
        assert rows == 10_000_000
        assert most < 96 << 10, f"{most >> 10} MiB for one reader"
