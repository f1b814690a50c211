"""Polars and pandas on the other end: they read what Fletch writes, and Fletch reads what they write."""
import json

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from cases import random_table
from check import VARIANTS, assert_same, read_valid, write
from render import render_columns, render_rows
from test_read import assert_rows

# Types both polars and Arrow have, and polars does not map to others.
PLAIN = [
    pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64(),
    pa.float32(), pa.float64(), pa.utf8(), pa.large_utf8(), pa.string_view(), pa.binary(), pa.large_binary(),
    pa.binary_view(), pa.date32(), pa.duration("us"), pa.timestamp("ms"), pa.timestamp("us", "UTC"), pa.time64("ns"),
    pa.list_(pa.int32()), pa.large_list(pa.utf8()), pa.list_(pa.list_(pa.bool_())), pa.list_(pa.int16(), 3),
    pa.struct([pa.field("a", pa.int8()), pa.field("b", pa.list_(pa.utf8()))]),
    pa.dictionary(pa.uint32(), pa.utf8()), pa.decimal128(20, 3), pa.null(),
]


@pytest.fixture(scope="module")
def plain_table():
    return random_table([pa.field(f"c{i} {t}", t) for i, t in enumerate(PLAIN)], (40, 21, 30), seed="interop")


@pytest.mark.parametrize("form, codec", VARIANTS)
def test_polars_reads_fletch(programs, tmp_path, plain_table, form, codec):
    source = write(tmp_path / "in", plain_table.schema, plain_table.batches)
    out = programs.convert(source, tmp_path / "out", form, codec)
    # Read back first: polars cannot take sliced fixed-size lists from pyarrow.
    schema, batches = read_valid(source)
    expected = pl.from_arrow(pa.Table.from_batches(batches, schema))
    read = pl.read_ipc if form == "file" else pl.read_ipc_stream
    assert_frame_equal(read(out), expected, check_exact=True)


@pytest.mark.parametrize("codec", ["none", "zstd", "lz4"])
def test_polars_maps_and_scans_fletch(programs, tmp_path, plain_table, codec):
    source = write(tmp_path / "in", plain_table.schema, plain_table.batches)
    out = programs.convert(source, tmp_path / "out.arrow", "file", codec)
    counted = pl.scan_ipc(out).select(pl.len()).collect().item()
    assert counted == plain_table.rows


@pytest.fixture(scope="module")
def frame():
    words = ["", "short", "longer than twelve bytes", None, "é🐘"]
    return pl.DataFrame({
        "i": [1, None, 3, -4, 2**62], "u": pl.Series([0, 1, None, 3, 255], dtype=pl.UInt8),
        "f": [0.5, None, -0.0, 1e300, 2.0], "s": words,
        "b": [None if w is None else w.encode() for w in words], "t": [True, None, False, True, False],
        "d": pl.Series([0, 1, None, -1, 20_000], dtype=pl.Date), "l": [[1, 2], None, [], [3], [None]],
        "n": [{"x": 1, "y": w} for w in words], "c": pl.Series(["a", "b", None, "a", "c"], dtype=pl.Categorical),
        "e": pl.Series(["a", "b", None, "a", "b"], dtype=pl.Enum(["a", "b"])),
        "a": pl.Series([[1, 2], [3, 4], None, [5, 6], [7, None]], dtype=pl.Array(pl.Int16, 2)),
        "m": pl.Series([1, 2, None, -5, 0], dtype=pl.Datetime("us", "Europe/Rome")), "z": [None] * 5,
        "w": pl.Series([1, None, 86_399, 0, 5], dtype=pl.Int64).cast(pl.Duration("ms")),
    })


@pytest.mark.parametrize("views", [True, False], ids=["views", "no views"])
@pytest.mark.parametrize("form, codec", VARIANTS)
def test_fletch_reads_polars(programs, tmp_path, frame, form, codec, views):
    level = pl.CompatLevel.newest() if views else pl.CompatLevel.oldest()
    path, compression = tmp_path / "in", {"none": "uncompressed"}.get(codec, codec)
    write_ipc = frame.write_ipc if form == "file" else frame.write_ipc_stream
    write_ipc(path, compression=compression, compat_level=level)
    schema, batches = read_valid(path)
    assert (schema.field("s").type == pa.string_view()) == views
    out = programs.convert(path, tmp_path / "out.arrow")
    assert_same(out, schema, render_columns(schema, batches), [batch.num_rows for batch in batches])
    assert_frame_equal(pl.read_ipc(out), frame)
    assert_rows(programs.cat(path), schema, render_rows(schema, batches))
    assert programs.inspect(path)["codec"] == codec


@pytest.mark.parametrize("codec", ["uncompressed", "zstd", "lz4"])
def test_pandas_frames_keep_their_index_and_types(programs, tmp_path, codec):
    frame = pd.DataFrame({
        "when": pd.date_range("2024-01-31", periods=4, freq="h", tz="Europe/Rome"), "x": [1.5, None, 3.0, -0.0],
        "kind": pd.Categorical(["a", "b", None, "a"], ordered=True), "name": ["é", None, "", "b"],
        "n": pd.array([1, None, 3, 4], dtype="Int32"),
    })
    frame.to_feather(tmp_path / "in.feather", compression=codec)
    out = programs.convert(tmp_path / "in.feather", tmp_path / "out.feather", "file", "zstd")
    pd.testing.assert_frame_equal(pd.read_feather(out), pd.read_feather(tmp_path / "in.feather"))
    pandas_metadata = json.loads(programs.inspect(out)["schemaMetadata"]["pandas"])
    assert [column["name"] for column in pandas_metadata["columns"]] == list(frame.columns)


def test_pandas_index_survives(programs, tmp_path):
    frame = pd.DataFrame({"v": [1, 2, 3]}, index=pd.MultiIndex.from_product([["a"], [1, 2, 3]], names=["k", "n"]))
    table = pa.Table.from_pandas(frame)
    source = write(tmp_path / "in.arrow", table.schema, table.to_batches())
    out = programs.convert(source, tmp_path / "out.arrows", "stream", "lz4")
    pd.testing.assert_frame_equal(pa.ipc.open_stream(pa.OSFile(str(out))).read_pandas(), frame)


def test_pandas_reads_samples(programs, tmp_path):
    programs.fletch("sample", "--rows", 1_000, "--codec", "lz4", "-o", tmp_path / "a.feather")
    frame = pd.read_feather(tmp_path / "a.feather")
    assert len(frame) == 1_000 and frame["age"].between(18, 65).all()
