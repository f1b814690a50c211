"""Filters, sums and first rows of a table of many blocks: Python's own SQLite says what is right. Conditions come in any number and order,
so that they are asked of runs of rows as well as of those that others have left."""
import datetime
import json
import os
import random
import sqlite3

import numpy
import pyarrow as pa
import pytest
from pyarrow import feather

from servers import serve
from sqlserver import ask

ROWS = 200_000
DAY = datetime.date(2024, 1, 1)


@pytest.fixture(scope="module")
def seed():
    value = int(os.environ.get("FLETCH_SEED", random.randrange(1 << 30)))
    print(f"FLETCH_SEED={value}")
    return value


@pytest.fixture(scope="module")
def both(programs, tmp_path_factory, seed):
    """A server and SQLite with the same rows."""
    chance = numpy.random.default_rng(seed)

    def column(values, type, nulls):
        return pa.array(values, type, mask=chance.random(ROWS) < nulls if nulls else None)
    days = numpy.sort(chance.integers(0, 3000, ROWS))
    reals = numpy.round(chance.normal(0, 100, ROWS), 2)
    table = pa.table({
        "id": pa.array(numpy.arange(ROWS), pa.int64()),
        "tiny": column(chance.integers(-128, 128, ROWS), pa.int8(), 0.1),
        "small": column(chance.integers(0, 1000, ROWS), pa.int32(), 0.05),
        "plain": column(chance.integers(-1000, 1000, ROWS), pa.int32(), 0),
        "big": column(chance.integers(-(1 << 40), 1 << 40, ROWS), pa.int64(), 0.2),
        "real": pa.array(numpy.where(chance.random(ROWS) < 0.01, numpy.nan, reals), pa.float64(), mask=chance.random(ROWS) < 0.1),
        "exact": column(chance.integers(-50, 50, ROWS) / 2, pa.float64(), 0),
        "word": column(numpy.array(["north", "south", "east", "west"])[chance.integers(0, 4, ROWS)], pa.string(), 0.02),
        "day": pa.array([DAY + datetime.timedelta(int(day)) for day in days], pa.date32(), mask=chance.random(ROWS) < 0.03),
        "pair": pa.array([{"x": int(x)} if x else None for x in chance.integers(0, 50, ROWS)], pa.struct([("x", pa.int64())])),
    })
    folder = tmp_path_factory.mktemp("filters")
    feather.write_feather(table, folder / "t.feather", compression="uncompressed", chunksize=70_000)
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE t (id INTEGER, tiny INTEGER, small INTEGER, plain INTEGER, big INTEGER, real REAL, exact REAL, word TEXT, day TEXT, pair TEXT)")
    rows = zip(*([stored(value) for value in table[name].to_pylist()] for name in table.column_names))
    database.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    with serve(programs, folder, folder / "t.feather") as server:
        yield server, database


def stored(value):
    """A value as SQLite has it."""
    match value:
        case float() if value != value: return None
        case datetime.date(): return str(value)
        case dict(): return json.dumps(value, separators=(",", ":"))
        case _: return value


def condition(chance):
    column = chance.choice(["id", "tiny", "small", "plain", "big", "real", "exact", "word", "day"])
    order = chance.choice(["=", "<>", "<", "<=", ">", ">="])

    def value():
        match column:
            case "word": return chance.choice(["'north'", "'west'", "'m'", "''"])
            case "day": return f"'{DAY + datetime.timedelta(chance.randrange(-5, 3005))}'"
            case "id": return chance.choice([str(chance.randrange(ROWS)), f"{chance.randrange(ROWS)}.5", "-1", str(ROWS)])
            case "big": return str(chance.randrange(-(1 << 40), 1 << 40))
            case "tiny": return chance.choice([str(chance.randrange(-130, 131)), "-128", "127", "300", "-2.5", "1e300", "9223372036854775807"])
            case _: return chance.choice([str(chance.randrange(-200, 1000)), f"{chance.uniform(-150, 150):.1f}", "0", "2147483648", "-9e99"])
    match chance.randrange(8):
        case 0: return f"{column} IS {chance.choice(['', 'NOT '])}NULL"
        case 1 | 2: return f"{column} {chance.choice(['', 'NOT '])}BETWEEN {value()} AND {value()}"
        case 3: return f"({column} {order} {value()} OR {column} = {value()})"
        case 4: return f"{value()} {order} {column}"
        case _: return f"{column} {order} {value()}"


def test_conditions_of_any_number_and_order(both, seed):
    server, database = both
    chance = random.Random(seed)
    for _ in range(150):
        where = " AND ".join(condition(chance) for _ in range(chance.randrange(1, 5)))
        sql = f"SELECT count(*), sum(id), sum(small), min(big), max(plain), count(real), total(exact) FROM t WHERE {where}"
        assert ask(server, sql) == database.execute(sql).fetchall(), f"{sql} with FLETCH_SEED={seed}"


def test_rows_come_in_order_and_complete(both, seed):
    server, database = both
    chance = random.Random(seed + 1)
    for _ in range(12):
        where = condition(chance)
        sql = f"SELECT id, small, exact, word FROM t WHERE {where}"
        assert ask(server, sql) == database.execute(sql).fetchall(), f"{sql} with FLETCH_SEED={seed}"


def test_first_rows_by_any_key(both, seed):
    server, database = both
    chance = random.Random(seed + 2)
    for _ in range(40):
        key = chance.choice(["tiny", "small", "plain", "big", "exact", "real", "day", "word", "id"])
        order = f"{key} {chance.choice(['ASC', 'DESC'])} NULLS {chance.choice(['FIRST', 'LAST'])}, id"
        where = chance.choice(["1", condition(chance), f"{key} IS NOT NULL"])
        sql = f"SELECT id FROM t WHERE {where} ORDER BY {order} LIMIT {chance.randrange(1, 200)}"
        assert ask(server, sql) == database.execute(sql).fetchall(), f"{sql} with FLETCH_SEED={seed}"


def test_sums_without_a_condition(both):
    server, database = both
    sql = "SELECT sum(id), sum(small), avg(plain), total(big), sum(exact), avg(exact), count(exact), sum(tiny) FROM t"
    assert ask(server, sql) == database.execute(sql).fetchall()
    for mine, theirs in zip(*(ask(server, "SELECT sum(real), avg(real) FROM t"), database.execute("SELECT sum(real), avg(real) FROM t").fetchall())):
        assert mine == pytest.approx(theirs, rel=1e-12)


def test_joined_rows_have_values_of_every_kind(both):
    """Columns of a join are read through the rows of their own side: nested ones, times and codes, too."""
    server, database = both
    database.execute("CREATE INDEX IF NOT EXISTS by_id ON t (id)")
    for sql in (
        "SELECT count(*), min(b.day), max(a.day) FROM t AS a JOIN t AS b ON b.id = a.id + 1 WHERE a.day < '2026-01-01' OR b.day >= '2028-01-01'",
        "SELECT count(DISTINCT b.pair), max(a.pair ->> 'x'), sum(b.pair ->> 'x') FROM t AS a JOIN t AS b ON b.id = a.id + 1",
        "SELECT a.id, a.pair, b.pair ->> 'x', b.day FROM t AS a JOIN t AS b ON b.id = a.id + 3 WHERE a.id < 500 AND (a.day < b.day OR a.word = b.word) ORDER BY a.id",
        "SELECT b.word, count(*), min(a.pair) FROM t AS a LEFT JOIN t AS b ON b.id = a.id + 199000 AND b.day > '2024-06-01' GROUP BY b.word ORDER BY b.word",
        "SELECT count(*) FROM t AS a WHERE EXISTS (SELECT 1 FROM t AS b WHERE b.id = a.id + 1 AND b.day > '2028-01-01') AND a.pair IS NOT NULL",
    ):
        assert [tuple(map(stored, row)) for row in ask(server, sql)] == database.execute(sql).fetchall(), sql
