"""Damaged, foreign and impossible input: a clear error, exit code 1, no crash, and no output left behind."""
import random
import warnings

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import feather

from cases import random_table
from check import FORMATS, write
from layout import retype
from patches import big_endian_stream
from typelist import FAMILIES

COMMANDS = {"cat": ["cat"], "inspect": ["inspect", "--json"], "convert": ["convert"]}


@pytest.fixture
def bad(tmp_path, written):
    """bad(kind): the path of an input that must be refused at once."""

    def path_of(kind):
        path, good = tmp_path / f"{kind}.arrow", written("integers", "file").read_bytes()
        if kind == "feather_v1":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                feather.write_feather(pa.table({"a": [1, 2]}), str(path), version=1)
            return path
        data = {
            "big_endian": lambda: big_endian_stream(pa.array([1, 2], pa.int32())),
            "empty": lambda: b"",
            "truncated": lambda: good[:len(good) // 2],
            "without_footer": lambda: good[:-10],
            "only_magic": lambda: b"ARROW1\0\0",
            "text": lambda: b"id,name\n1,Alice\n2,Bob\n" * 20,
            "one_byte": lambda: b"\xff",
            "parquet": lambda: b"PAR1" + bytes(100) + b"PAR1",
            "huge_length": lambda: b"\xff\xff\xff\xff\xff\xff\xff\x7f" + bytes(64),
        }
        if kind != "missing":
            path.write_bytes(data[kind]())
        return path

    return path_of


KINDS = [
    "feather_v1", "big_endian", "empty", "truncated", "without_footer", "only_magic", "text", "one_byte", "parquet",
    "huge_length", "missing",
]
WORDS = {"feather_v1": ["feather v1"], "big_endian": ["big", "endian"], "missing": ["missing.arrow"]}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", KINDS)
def test_refused(programs, tmp_path, bad, kind, command):
    name, *options = COMMANDS[command]
    out = [tmp_path / "out.arrow"] if command == "convert" else []
    source = bad(kind)
    before = sorted(tmp_path.iterdir())
    message = programs.error(name, source, *out, *options).lower()
    for word in WORDS.get(kind, []):
        assert word in message
    assert sorted(tmp_path.iterdir()) == before, "a failed convert left something behind"
    programs.oracle("validate", source, code=1)


@pytest.mark.parametrize("kind", ["truncated", "text", "missing"])
def test_failed_convert_leaves_an_existing_output_alone(programs, tmp_path, bad, kind):
    source, out = bad(kind), tmp_path / "out.arrow"
    out.write_bytes(b"precious")
    before = sorted(tmp_path.iterdir())
    programs.error("convert", source, out)
    assert out.read_bytes() == b"precious" and sorted(tmp_path.iterdir()) == before


def test_convert_that_fails_in_a_late_batch_leaves_nothing(programs, tmp_path, written):
    data = written("big", "stream").read_bytes()
    source = tmp_path / "in.arrows"
    source.write_bytes(data[:-2_000])
    for form in FORMATS:
        programs.error("convert", source, tmp_path / "out", "--to", form)
        assert sorted(tmp_path.iterdir()) == [source]


def test_output_into_a_missing_folder(programs, tmp_path, written):
    programs.error("convert", written("integers"), tmp_path / "nowhere" / "out.arrow")


@pytest.mark.parametrize("args", [
    [], ["frobnicate"], ["cat"], ["convert", "only-one"], ["cat", "a", "--frobnicate"], ["cat", "a", "--limit", "x"],
    ["convert", "a", "b", "--codec", "rar"], ["convert", "a", "b", "--to", "csv"], ["sample", "--kind", "x"],
    ["convert", "a", "b", "--batch-rows", "0"], ["convert", "a", "b", "--batch-rows"], ["cat", "a", "--limit", "-1"],
], ids=" ".join)
def test_wrong_usage(programs, args):
    done = programs.fletch(*args, code=2)
    assert done.stdout == b"" and done.stderr.strip()


def _small_table():
    types = [t for family in FAMILIES.values() for t in family[:2]]
    return random_table([pa.field(f"c{i}", t) for i, t in enumerate(types)], (9, 4))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("codec", ["none", "lz4"])
def test_flipped_bytes_never_crash(programs, tmp_path, form, codec):
    rng, path, made = random.Random(f"{form} {codec}"), tmp_path / "in", _small_table()
    good = write(path, made.schema, made.batches, form, codec).read_bytes()
    for _ in range(12):
        data = bytearray(good)
        for _ in range(rng.choice((1, 2, 30))):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        path.write_bytes(data)
        programs.oracle("validate", path, code=None)
        programs.fletch("cat", path, code=None)


@pytest.mark.parametrize("form, code", [("file", 1), ("stream", None)])
def test_truncated_anywhere_never_crashes(programs, tmp_path, form, code):
    """A stream cut between two messages is valid, so there either exit code will do."""
    rng, path, made = random.Random(form), tmp_path / "in", _small_table()
    good = write(path, made.schema, made.batches, form).read_bytes()
    for end in [rng.randrange(len(good)) for _ in range(12)]:
        path.write_bytes(good[:end])
        programs.oracle("validate", path, code=code)


def _nested(t, length, *buffers, children=()):
    arrays = [pa.py_buffer(np.array(values, dtype)) for values, dtype in buffers]
    return pa.Array.from_buffers(t, length, [None, *arrays], children=list(children) or None)


def _view_outside():
    view = np.zeros(1, [("size", "<i4"), ("prefix", "S4"), ("buffer", "<i4"), ("offset", "<i4")])
    view[0] = (20, b"abcd", 0, 1_000)
    buffers = [None, pa.py_buffer(view.tobytes()), pa.py_buffer(b"abcd" * 10)]
    return pa.Array.from_buffers(pa.binary_view(), 1, buffers)


def _not_utf8():
    batch = pa.record_batch([pa.array([b"ok", b"\xff\xfe"])], names=["a"])
    return retype(batch, pa.schema([("a", pa.utf8())])).column(0)


ITEMS = pa.array(range(5), pa.int32())
UNION = [pa.field("i", pa.int32()), pa.field("j", pa.int32())]
INVALID = {
    "list offsets fall": lambda: _nested(pa.list_(pa.int32()), 3, ([0, 3, 1, 4], "<i4"), children=[ITEMS]),
    "text offsets fall": lambda: pa.Array.from_buffers(
        pa.utf8(), 3, [None, pa.py_buffer(np.array([0, 3, 1, 4], "<i4")), pa.py_buffer(b"abcd")]),
    "text is no utf-8": _not_utf8,
    "list view outside its items": lambda: _nested(
        pa.list_view(pa.int32()), 2, ([0, 4], "<i4"), ([2, 9], "<i4"), children=[ITEMS]),
    "view outside its buffer": _view_outside,
    "dictionary index too large": lambda: pa.DictionaryArray.from_arrays(
        pa.array([0, 7], pa.int8()), pa.array(["a", "b"]), safe=False),
    "dictionary index negative": lambda: pa.DictionaryArray.from_arrays(
        pa.array([0, -1], pa.int8()), pa.array(["a", "b"]), safe=False),
    "unknown type id": lambda: _nested(
        pa.sparse_union(UNION, [3, 4]), 5, ([3, 4, 9, 3, 4], "i1"), children=[ITEMS, ITEMS]),
    "union offset too large": lambda: _nested(
        pa.dense_union(UNION), 2, ([0, 1], "i1"), ([0, 50], "<i4"), children=[ITEMS, ITEMS]),
    "run ends fall": lambda: pa.Array.from_buffers(
        pa.run_end_encoded(pa.int32(), pa.int32()), 5, [None],
        children=[pa.array([3, 2, 5], pa.int32()), pa.array([1, 2, 3], pa.int32())]),
}


@pytest.mark.parametrize("name", INVALID)
def test_invalid_data_is_found(programs, tmp_path, name):
    batch = pa.record_batch([INVALID[name]()], names=["a"])
    with pytest.raises(pa.ArrowInvalid):
        batch.validate(full=True)
    path = write(tmp_path / "in.arrow", batch.schema, [batch])
    done = programs.oracle("validate", path, code=1)
    assert done.stderr.strip()
    programs.fletch("cat", path, code=None)


def test_bytes_under_nulls_are_not_judged(programs, tmp_path):
    """The opposite mistake: a dictionary index out of range, where the validity bitmap says null."""
    indices = pa.Array.from_buffers(pa.int8(), 2, [pa.py_buffer(b"\x01"), pa.py_buffer(b"\x00\x63")])
    masked = pa.DictionaryArray.from_arrays(indices, pa.array(["a"]))
    batch = pa.record_batch([masked], names=["a"])
    batch.validate(full=True)
    programs.oracle("validate", write(tmp_path / "in.arrow", batch.schema, [batch]))
