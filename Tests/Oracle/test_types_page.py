"""Every row of docs/types.md is true."""
import datetime
import decimal
import json
import pathlib
import re

import pyarrow as pa
import pytest

from check import write

PAGE = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "types.md").read_text()
NOON = datetime.datetime(2024, 2, 29, 12, 30)
DAY = NOON.date()

# The values that the page shows, by the first cell of its rows.
VALUES = {
    "`bool`": pa.array([True]), "`int8`": pa.array([-7], pa.int8()), "`int16`": pa.array([-7], pa.int16()),
    "`int32`": pa.array([-7], pa.int32()), "`int64`": pa.array([-7], pa.int64()),
    "`uint8`": pa.array([7], pa.uint8()), "`uint16`": pa.array([7], pa.uint16()), "`uint32`": pa.array([7], pa.uint32()),
    "`uint64`": pa.array([7], pa.uint64()), "`uint64` beyond int64": pa.array([2**64 - 1], pa.uint64()),
    "`float16`": pa.array([1.5], pa.float16()), "`float32`": pa.array([1.5], pa.float32()),
    "`float64`": pa.array([1.5], pa.float64()), "`float64` that is NaN": pa.array([float("nan")], pa.float64()),
    "`decimal128(12, 2)`": pa.array([decimal.Decimal("12.50")], pa.decimal128(12, 2)),
    "`decimal128(18, 0)`": pa.array([decimal.Decimal(12)], pa.decimal128(18, 0)),
    "`decimal128(38, 10)` of more digits than a real has":
        pa.array([decimal.Decimal("1234567890123456789.0123456789")], pa.decimal128(38, 10)),
    "`date32`": pa.array([DAY], pa.date32()), "`date64`": pa.array([DAY], pa.date64()),
    "`time32[s]`": pa.array([datetime.time(12, 30)], pa.time32("s")),
    "`time64[us]`": pa.array([datetime.time(12, 30, 0, 5)], pa.time64("us")),
    "`timestamp[us]`": pa.array([NOON.replace(microsecond=250_000)], pa.timestamp("us")),
    "`timestamp[s, America/New_York]`": pa.array([NOON], pa.timestamp("s", "America/New_York")),
    "`duration[ms]`": pa.array([1500], pa.duration("ms")),
    "`interval[month_day_nano]`": pa.array([(1, 2, 3)], pa.month_day_nano_interval()),
    "`utf8`": pa.array(["é"]), "`large_utf8`": pa.array(["é"], pa.large_utf8()), "`utf8_view`": pa.array(["é"], pa.string_view()),
    "`binary`": pa.array([b"\x00\xff"]), "`fixed_size_binary(2)`": pa.array([b"\x00\xff"], pa.binary(2)),
    "`list<int32>`": pa.array([[1, None]], pa.list_(pa.int32())), "`struct<x, y>`": pa.array([{"x": 1, "y": "a"}]),
    "`map<utf8, int32>`": pa.array([[("a", 1)]], pa.map_(pa.utf8(), pa.int32())),
    "`union<i>`": pa.UnionArray.from_dense(pa.array([0], pa.int8()), pa.array([0], pa.int32()), [pa.array([5])], ["i"]),
    "`dictionary<utf8>`": pa.array(["a"]).dictionary_encode(),
    "`run_end_encoded<int64>`": pa.RunEndEncodedArray.from_arrays(pa.array([1], pa.int32()), pa.array([7])),
    "`null`": pa.nulls(1), "extension `arrow.uuid`": pa.array([b"0123456789abcdef"], pa.uuid()),
}


def rows_of(heading):
    """The cells of the table whose header begins so."""
    lines = PAGE[PAGE.index(f"| {heading} |"):].splitlines()[2:]
    for line in lines:
        if not line.startswith("|"):
            return
        yield [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def bare(cell):
    return cell.removeprefix("`").removesuffix("`")


def test_every_row_has_a_value():
    assert [row[0] for row in rows_of("Arrow type")] == list(VALUES)


@pytest.mark.parametrize("arrow, declared, storage, shown", list(rows_of("Arrow type")))
def test_an_arrow_value_in_sql(programs, tmp_path, arrow, declared, storage, shown):
    schema = pa.schema([pa.field("c", VALUES[arrow].type)])
    path = write(tmp_path / "t.feather", schema, [pa.RecordBatch.from_arrays([VALUES[arrow]], schema=schema)])
    row = json.loads(programs.fletch("sql", "SELECT typeof(c) AS class, quote(c) AS shown FROM t", path).stdout)
    assert row == {"class": storage, "shown": bare(shown)}
    column = json.loads(programs.fletch("tables", "--columns", path, "--format", "json").stdout)
    assert column["SQL"] == (bare(declared) or None)


@pytest.mark.parametrize("declared, stored, arrow", list(rows_of("declared")))
def test_columns_of_ordinary_tables(programs, declared, stored, arrow):
    script = f"CREATE TABLE t (c {bare(declared)}); INSERT INTO t VALUES ({bare(stored)}); SELECT c FROM t"
    stream = programs.fletch("sql", script, "--format", "arrow", "--quiet").stdout
    assert str(pa.ipc.open_stream(stream).schema.field(0).type) == bare(arrow)


@pytest.mark.parametrize("expression, arrow", list(rows_of("expression")))
def test_expressions(programs, expression, arrow):
    script = f"CREATE TABLE t (i INTEGER, r REAL, t TEXT); SELECT {bare(expression)} FROM t"
    stream = programs.fletch("sql", script, "--format", "arrow", "--quiet").stdout
    assert str(pa.ipc.open_stream(stream).schema.field(0).type) == bare(arrow)
