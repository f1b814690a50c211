"""The expected rendering itself, checked against values written by hand and against pyarrow's to_pylist."""
import datetime
import random
import struct

import pyarrow as pa
import pytest

from cases import NAMES, case
from check import FORMATS, assert_aligned, assert_same, write
from layout import DAY_TIME, MONTHS, physical, retype
from render import Float, Object, date, decimal, parse_rows, render_columns, time_of_day, timestamp


def rendered(array, t=None):
    t = t or array.type
    return render_columns(pa.schema([pa.field("c", t)]), [pa.record_batch([array], names=["c"])])[0]


def test_dates_agree_with_datetime():
    for days in [random.Random(1).randint(-719_162, 2_932_896) for _ in range(2_000)] + [-719_162, 0, 2_932_896]:
        assert date(days) == (datetime.date(1970, 1, 1) + datetime.timedelta(days)).isoformat()


@pytest.mark.parametrize("days, text", [
    (-719_163, "0000-12-31"), (-719_528, "0000-01-01"), (-719_529, "-0001-12-31"), (2_932_897, "+10000-01-01"),
    (-719_469, "0000-02-29"), (2**31 - 1, "+5881580-07-11"), (-(2**31), "-5877641-06-23"),
])
def test_dates_of_far_years(days, text):
    assert date(days) == text


def test_times_and_timestamps():
    assert time_of_day(86_399, "s") == "23:59:59"
    assert time_of_day(1_001, "ms") == "00:00:01.001"
    assert time_of_day(1, "ns") == "00:00:00.000000001"
    assert timestamp(-1, "us") == "1969-12-31T23:59:59.999999"
    assert timestamp(-(2**63), "ns") == "1677-09-21T00:12:43.145224192"
    assert rendered(pa.array([0], pa.timestamp("ms", "Asia/Tokyo"))) == ["1970-01-01T00:00:00.000Z"]
    assert rendered(pa.array([5, None], pa.duration("us"))) == ["5 us", None]


@pytest.mark.parametrize("unscaled, scale, text", [
    (-1230, 2, "-12.30"), (5, 3, "0.005"), (-5, 3, "-0.005"), (0, 2, "0.00"), (7, 0, "7"), (-12, -3, "-12000"),
    (0, -3, "0"),
])
def test_decimals(unscaled, scale, text):
    assert decimal(unscaled, scale) == text


def test_decimals_agree_with_pyarrow():
    array = pa.array(["1.25", "-0.03", None, "99999.99"]).cast(pa.decimal128(7, 2))
    assert rendered(array) == [None if v is None else str(v) for v in array.to_pylist()]


def test_intervals():
    def batch_of(values, t):
        return retype(pa.record_batch([pa.array(values, physical(t))], names=["c"]), pa.schema([pa.field("c", t)]))

    months = batch_of([-14, None], MONTHS)
    assert render_columns(months.schema, [months])[0] == [Object([("months", -14)]), None]
    day_time = batch_of([3 + (5 << 32), -1], DAY_TIME)
    assert render_columns(day_time.schema, [day_time])[0] == [
        Object([("days", 3), ("milliseconds", 5)]), Object([("days", -1), ("milliseconds", -1)]),
    ]
    nano = rendered(pa.array([(1, -2, 3)], pa.month_day_nano_interval()))
    assert nano == [Object([("months", 1), ("days", -2), ("nanoseconds", 3)])]


def test_floats_compare_by_bits_of_their_width():
    assert Float(0.1, 64) == 0.1 and Float(1.0, 64) == 1 and Float(0.10000000149011612, 32) == 0.1
    assert Float(0.1, 64) != 0.10000000149011612 and Float(0.0, 64) != -0.0 and Float(1.0, 64) != "1"
    assert Float(1.0, 16) != 1e300 and Float(1.0, 64) != True  # noqa: E712
    assert rendered(pa.array([float("nan"), float("-inf")])) == ["NaN", "-Infinity"]
    assert parse_rows("-0\n") == [-0.0] and Float(-0.0, 64) == parse_rows("-0\n")[0]


def test_rows_are_cut_at_newlines_only_and_names_may_repeat():
    assert parse_rows('{"a":"\u2028","a":1}\n{}\n') == [Object([("a", "\u2028"), ("a", 1)]), Object()]
    assert parse_rows("") == []


def plain(value):
    """A rendered value as to_pylist would show it."""
    if isinstance(value, Object):
        return {name: plain(v) for name, v in value}
    return [plain(v) for v in value] if isinstance(value, list) else value


@pytest.mark.parametrize("array", [
    pa.array([[1, 2], None, [], [3]]), pa.array([[1, 2], None, [], [3]], pa.large_list(pa.int8())),
    pa.array([[1, 2], None, [], [3]], pa.list_view(pa.int8())),
    pa.array([["a", "b"], None, [None, "c"], ["d", "e"]], pa.list_(pa.utf8(), 2)), pa.array([True, None, False, True]),
    pa.array([{"x": 1, "y": ["a"]}, None, {"x": None, "y": None}, {"x": 2, "y": []}]),
    pa.array(["a", "b", None, "a"]).dictionary_encode(), pa.array([-1, 2**63 - 1, None, 0]), pa.nulls(4),
    pa.RunEndEncodedArray.from_arrays(pa.array([2, 3, 4], pa.int16()), pa.array(["a", None, "b"])),
    pa.UnionArray.from_sparse(pa.array([5, 9, 9, 5], pa.int8()),
                              [pa.array([1, 2, 3, 4]), pa.array(["a", None, "c", "d"])], ["i", "s"], [5, 9]),
    pa.UnionArray.from_dense(pa.array([9, 5, 9, 5], pa.int8()), pa.array([0, 0, 1, 1], pa.int32()),
                             [pa.array([1, 2]), pa.array(["a", None])], ["i", "s"], [5, 9]),
], ids=lambda array: str(array.type))
@pytest.mark.parametrize("start", [0, 1, 3])
def test_nested_values_agree_with_to_pylist(array, start):
    part = array.slice(start)
    values = plain(rendered(part))
    if pa.types.is_union(part.type):
        values = [value for of_child in values for value in of_child.values()]
    assert values == part.to_pylist()


def test_unions_name_the_child():
    values = [pa.array([1]), pa.array(["a"]), pa.array([2])]
    array = pa.UnionArray.from_dense(pa.array([9, 5, 7], pa.int8()), pa.array([0, 0, 0], pa.int32()),
                                     values, ["i", "s", "i"], [5, 9, 7])
    assert rendered(array) == [Object([("s", "a")]), Object([("i", 1)]), [7, 2]]


def test_maps_and_binary():
    array = pa.array([[("k", b"\xff\x00")], None, []], pa.map_(pa.utf8(), pa.binary()))
    assert rendered(array) == [[["k", "ff00"]], None, []]
    assert rendered(array.slice(1)) == [None, []]


@pytest.mark.parametrize("name", NAMES)
def test_pyarrow_reads_what_it_writes(written, name):
    """So that a failure elsewhere is Fletch's."""
    made = case(name)
    for form in FORMATS:
        assert_same(written(name, form), made.schema, made.columns, made.lengths)


def test_alignment_check_tells_64_bytes_from_less(tmp_path):
    """Metadata of every length moves the one buffer of a file through all multiples of 8."""
    passed = []
    for length in range(0, 64, 8):
        table = pa.table({"a": [1, 2, 3]}).replace_schema_metadata({"pad": "x" * length})
        path = write(tmp_path / "a", table.schema, table.to_batches())
        start = path.read_bytes().index(struct.pack("<qqq", 1, 2, 3))
        if start % 64:
            with pytest.raises(AssertionError):
                assert_aligned(path)
        else:
            assert_aligned(path)
        passed.append(start % 64 == 0)
    assert passed.count(True) == 1
