"""`fletch cat`, `inspect` and `validate` of what pyarrow wrote: every value and every count."""
import json
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from cases import NAMES, REPLACED_DICTIONARIES, case
from check import VARIANTS, differences, write
from render import parse_rows, render_rows


def variant_of(name):
    """Case by case another format and codec, so that all six come up often."""
    return VARIANTS[NAMES.index(name) % len(VARIANTS)] if name in NAMES else ("stream", "none")


def assert_rows(text, schema, expected):
    """Compares printed rows with rendered ones and names the columns that differ."""
    rows = parse_rows(text)
    assert len(rows) == len(expected)
    for row in rows:
        assert [name for name, _ in row] == schema.names
    columns = [[[row[i][1] for row in table] for i in range(len(schema))] for table in (expected, rows)]
    lines = differences(schema, *columns)
    assert not lines, "columns differ:\n" + "\n".join(lines)


@pytest.mark.parametrize("name", [*NAMES, REPLACED_DICTIONARIES])
def test_cat(programs, written, name):
    made = case(name)
    assert_rows(programs.cat(written(name, *variant_of(name))), made.schema, render_rows(made.schema, made.batches))


@pytest.mark.parametrize("form", ["file", "stream"])
@pytest.mark.parametrize("limit", [0, 1, 11, 12, 37, 1_000])
def test_cat_with_a_limit(programs, written, form, limit):
    made = case("integers")
    text = programs.cat(written("integers", form), "--limit", limit)
    assert_rows(text, made.schema, render_rows(made.schema, made.batches)[:limit])


def test_cat_reads_standard_input(programs, written):
    made = case("text_binary")
    text = programs.fletch("cat", "-", stdin=written("text_binary", "stream").read_bytes()).stdout.decode()
    assert_rows(text, made.schema, render_rows(made.schema, made.batches))


def test_text_is_escaped_only_where_json_asks_for_it(programs, tmp_path):
    text = 'é\u2028🐘\x7f/ " \\ \n\t\x00'
    path = write(tmp_path / "a", pa.schema([("☕", pa.utf8())]), [pa.record_batch([pa.array([text])], names=["☕"])])
    printed = programs.cat(path)
    assert json.loads(printed) == {"☕": text}
    assert all(character in printed for character in "é🐘☕\u2028") and "\x00" not in printed


def test_dates_within_a_day_keep_their_time(programs, tmp_path):
    """date64 should hold whole days, but files with others exist."""
    values = pa.array([-1, 1, 86_399_999, -86_400_000], pa.int64()).view(pa.date64())
    path = write(tmp_path / "a", pa.schema([("d", pa.date64())]), [pa.record_batch([values], names=["d"])])
    days = [json.loads(line)["d"] for line in programs.cat(path).splitlines()]
    assert days == ["1969-12-31T23:59:59.999", "1970-01-01T00:00:00.001", "1970-01-01T23:59:59.999", "1969-12-31"]


@pytest.mark.parametrize("width", [16, 32, 64])
def test_floats_are_printed_with_the_fewest_digits(programs, tmp_path, width):
    bits = np.random.default_rng(5).integers(0, 2**width, 3_000, dtype=f"uint{width}")
    values = bits.view(f"float{width}")
    values = np.concatenate([values[np.isfinite(values)], np.array([0.1, 1e3, 65_504, 6e-8], values.dtype)])
    path = write(tmp_path / "a", pa.schema([("f", pa.from_numpy_dtype(values.dtype))]),
                 [pa.record_batch([pa.array(values)], names=["f"])])
    lines = programs.cat(path).splitlines()
    printed = [json.loads(line, parse_float=Decimal, parse_int=Decimal)["f"] for line in lines]
    assert len(printed) == len(values)
    for value, number in zip(values, printed):
        assert values.dtype.type(str(number)) == value
        shortest = Decimal(np.format_float_scientific(value, unique=True))
        digits, fewest = (len(d.normalize().as_tuple().digits) for d in (number, shortest))
        # Whole numbers may be written out: 26704, where 2.67e4 would be enough to tell them from their neighbours.
        assert digits <= fewest or number == Decimal(float(value)), f"{value!r} was printed as {number}"


def null_counts(schema, batches):
    """Nulls of each column's own validity bitmap, as pyarrow counts them."""
    table = pa.Table.from_batches(batches, schema)
    return [table.column(i).null_count for i in range(len(schema))]


@pytest.mark.parametrize("name", NAMES)
def test_inspect(programs, written, name):
    made, (form, codec) = case(name), variant_of(name)
    path = written(name, form, codec)
    seen = programs.inspect(path)
    assert (seen["format"], seen["metadataVersion"]) == (form, "V5")
    assert (seen["rows"], seen["batches"], seen["size"]) == (made.rows, len(made.batches), path.stat().st_size)
    assert [column["name"] for column in seen["columns"]] == made.schema.names
    assert [column["nullable"] for column in seen["columns"]] == [field.nullable for field in made.schema]
    nulls = null_counts(made.schema, made.batches)
    wrong = [(column["name"], str(field.type), column["nulls"], expected)
             for column, field, expected in zip(seen["columns"], made.schema, nulls) if column["nulls"] != expected]
    assert not wrong, f"null counts (column, type, inspect's, pyarrow's): {wrong}"
    for column, field in zip(seen["columns"], made.schema):
        if field.type in (pa.int64(), pa.utf8()):
            assert column["type"] == {pa.int64(): "int64", pa.utf8(): "utf8"}[field.type]


def test_inspect_names_the_codec(programs, written):
    for form, codec in VARIANTS:
        assert programs.inspect(written("integers", form, codec))["codec"] == codec


def test_inspect_shows_metadata(programs, written):
    made, seen = case("metadata"), programs.inspect(written("metadata"))

    def text(metadata):
        return {key.decode(): value.decode() for key, value in (metadata or {}).items()}

    assert seen["schemaMetadata"] == text(made.schema.metadata)
    assert [column["metadata"] for column in seen["columns"]] == [text(field.metadata) for field in made.schema]


def test_inspect_reports_alignment(programs, written, tmp_path):
    """pyarrow aligns to less than 64 bytes, Fletch to 64; mapped buffers show where they really start."""
    own = programs.convert(written("three_deep"), tmp_path / "out.arrow")
    seen = programs.inspect(own)
    assert (seen["alignment"], seen["maps"]) == (64, True)
    foreign = written("three_deep")
    alignment = programs.inspect(foreign)["alignment"]
    assert alignment in (1, 2, 4, 8, 16, 32, 64)
    with pa.memory_map(str(foreign)) as source:
        start = source.read_buffer().address
        source.seek(0)
        reader = pa.ipc.open_file(source)
        for i in range(reader.num_record_batches):
            for buffer in reader.get_batch(i).to_struct_array().buffers():
                if buffer is not None and buffer.size:
                    assert (buffer.address - start) % alignment == 0


@pytest.mark.parametrize("name", [*NAMES, REPLACED_DICTIONARIES])
def test_validate(programs, written, name):
    done = programs.oracle("validate", written(name, *variant_of(name)))
    assert b"valid" in done.stdout


def test_many_views_of_one_long_text(programs, tmp_path):
    """As `take` and joins make them. A limit on repeated checks refused them."""
    source = pa.array(["é" * 2_000] * 2, pa.string_view())
    views = source.buffers()[1].to_pybytes()[:16] * 100_000
    column = pa.Array.from_buffers(pa.string_view(), 100_000, [None, pa.py_buffer(views), *source.buffers()[2:]])
    batch = pa.record_batch([column], names=["s"])
    with pa.OSFile(str(tmp_path / "a"), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    assert b"every value is valid" in programs.fletch("inspect", "--check", tmp_path / "a").stdout
    # One byte further on, the text begins and ends inside of a character.
    shifted = bytearray(views[:16])
    shifted[12] += 1
    shifted[4:8] = "é".encode()[1:] + "é".encode() + "é".encode()[:1]
    column = pa.Array.from_buffers(pa.string_view(), 1, [None, pa.py_buffer(bytes(shifted)), *source.buffers()[2:]])
    batch = pa.record_batch([column], names=["s"])
    with pa.OSFile(str(tmp_path / "a"), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    assert "UTF-8" in programs.error("inspect", "--check", tmp_path / "a")
