"""`fletch convert`: pyarrow must read back from its output exactly what pyarrow wrote into its input."""
import pyarrow as pa
import pytest

from cases import NAMES, REPLACED_DICTIONARIES, case, random_table
from check import EXTENSION, FORMATS, VARIANTS, assert_aligned, assert_same, form_of, read, read_valid, write
from patches import raw_buffers_in_compressed_stream
from render import render_columns
from typelist import FAMILIES

# All types in one table, for tests about files rather than about types.
EVERYTHING = "eight_and_sixtyfour_rows"


def partner(name, variant):
    """The output to ask of an input: over all cases every pair of formats and codecs comes up."""
    return VARIANTS[(VARIANTS.index(variant) + NAMES.index(name)) % len(VARIANTS)]


@pytest.mark.parametrize("variant", VARIANTS, ids="-".join)
@pytest.mark.parametrize("name", NAMES)
def test_convert(programs, written, tmp_path, name, variant):
    form, codec = partner(name, variant)
    out = programs.convert(written(name, *variant), tmp_path / f"out.{EXTENSION[form]}", form, codec)
    assert form_of(out) == form
    made = case(name)
    assert_same(out, made.schema, made.columns, made.lengths)
    if (form, codec) == ("file", "none"):
        assert_aligned(out)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("name", [*FAMILIES, EVERYTHING])
def test_convert_of_metadata_version_4(programs, tmp_path, name, form):
    """Without continuation markers, and with validity bitmaps in unions."""
    made = case(name)
    old = {"use_legacy_format": True, "metadata_version": pa.ipc.MetadataVersion.V4}
    source = write(tmp_path / "old", made.schema, made.batches, form, **old)
    assert programs.inspect(source)["metadataVersion"] == "V4"
    out = programs.convert(source, tmp_path / "new.arrow")
    assert_same(out, made.schema, made.columns, made.lengths)


@pytest.mark.parametrize("rows", [1, 5, 16, 1_000])
@pytest.mark.parametrize("name", [
    "dense_unions", "sparse_unions", "run_ends", "list_views", "dictionaries", "many_batches", "views_of_many_buffers",
    "growing_dictionaries", "no_columns", "three_deep", "text_binary",
])
def test_batches_of_exact_length(programs, written, tmp_path, name, rows):
    made = case(name)
    out = programs.convert(written(name, "stream"), tmp_path / "out.arrow", "file", "none", "--batch-rows", rows)
    full, rest = divmod(made.rows, rows)
    assert_same(out, made.schema, made.columns, [rows] * full + [rest] * (rest > 0))


def test_replaced_dictionaries_stay_in_a_stream(programs, written, tmp_path):
    made = case(REPLACED_DICTIONARIES)
    out = programs.convert(written(REPLACED_DICTIONARIES, "stream"), tmp_path / "out.arrows", "stream", "zstd")
    assert_same(out, made.schema, made.columns, made.lengths)


def test_replaced_dictionaries_in_a_file_are_unified_or_refused(programs, written, tmp_path):
    """A file cannot hold them, so either the values survive in one dictionary or the error says why not."""
    made, out = case(REPLACED_DICTIONARIES), tmp_path / "out.arrow"
    done = programs.fletch("convert", written(REPLACED_DICTIONARIES, "stream"), out, code=None)
    if done.returncode == 0:
        assert_same(out, made.schema, made.columns, made.lengths)
    else:
        assert b"dictionar" in done.stderr.lower() and not out.exists()


def test_growing_dictionaries_still_grow_in_batches(programs, written, tmp_path):
    """Deltas are not resolved into one dictionary that earlier batches did not have: batch by batch values agree."""
    made = case("growing_dictionaries")
    out = programs.convert(written("growing_dictionaries", "stream"), tmp_path / "out.arrows", "stream")
    _, batches = read_valid(out)
    for expected, actual in zip(made.batches, batches, strict=True):
        assert render_columns(made.schema, [expected]) == render_columns(made.schema, [actual])


def batch_metadata(path):
    if form_of(path) == "file":
        with pa.ipc.open_file(path) as reader:
            return [reader.get_batch_with_custom_metadata(i)[1] for i in range(reader.num_record_batches)]
    with pa.ipc.open_stream(path) as reader:
        return [metadata for _, metadata in reader.iter_batches_with_custom_metadata()]


@pytest.mark.parametrize("target", FORMATS)
@pytest.mark.parametrize("source", FORMATS)
def test_metadata_of_batches_is_kept(programs, tmp_path, source, target):
    made = random_table([pa.field("a", pa.int32())], (3, 4, 0, 5))
    custom = [{"batch": "0", "empty": ""}, None, {"☕": "x" * 5_000}, {"last": "3"}]
    path = tmp_path / "in"
    make = pa.ipc.new_file if source == "file" else pa.ipc.new_stream
    with make(str(path), made.schema) as writer:
        for batch, metadata in zip(made.batches, custom):
            writer.write_batch(batch, custom_metadata=metadata)
    out = programs.convert(path, tmp_path / "out", target, "zstd")
    assert batch_metadata(out) == batch_metadata(path)
    assert [m is None for m in batch_metadata(path)] == [False, True, False, False]


@pytest.mark.parametrize("form", FORMATS)
def test_standard_input_and_output(programs, written, tmp_path, form):
    made = case(EVERYTHING)
    source = written(EVERYTHING, "file" if form == "stream" else "stream", "lz4").read_bytes()
    out = tmp_path / "out"
    out.write_bytes(programs.fletch("convert", "-", "-", "--to", form, stdin=source).stdout)
    assert form_of(out) == form
    assert_same(out, made.schema, made.columns, made.lengths)


@pytest.mark.parametrize("name, form", [
    ("a.arrow", "file"), ("a.arrows", "stream"), ("a.feather", "file"), ("a", "file"),
])
def test_format_follows_the_extension(programs, written, tmp_path, name, form):
    programs.fletch("convert", written("integers", "stream"), tmp_path / name)
    assert form_of(tmp_path / name) == form


def test_format_is_told_by_content_not_by_name(programs, written, tmp_path):
    made = case("integers")
    misnamed = tmp_path / "file.arrows"
    misnamed.write_bytes(written("integers", "file").read_bytes())
    assert_same(programs.convert(misnamed, tmp_path / "out.arrow"), made.schema, made.columns, made.lengths)


def test_codecs_compress_and_level_matters(programs, written, tmp_path):
    words = pa.array([f"word {i * 7919 % 1000} {i % 13}" for i in range(50_000)])
    source = write(tmp_path / "in", pa.schema([("w", pa.utf8())]), [pa.record_batch([words], names=["w"])])
    size = {}
    for codec, level in (("none", None), ("lz4", None), ("zstd", None), ("zstd", 1), ("zstd", 19)):
        more = [] if level is None else ["--level", level]
        out = programs.convert(source, tmp_path / "out.arrow", "file", codec, *more)
        assert read(out)[1][0].column(0).equals(words)
        assert programs.inspect(out)["codec"] == codec
        size[codec, level] = out.stat().st_size
    assert max(size["lz4", None], size["zstd", None]) < 0.7 * size["none", None]
    assert size["zstd", 19] < size["zstd", 1]


def test_stream_without_end_marker(programs, written, tmp_path):
    """A stream may just end after a message."""
    made, data = case("integers"), written("integers", "stream").read_bytes()
    assert data.endswith(b"\xff\xff\xff\xff\x00\x00\x00\x00")
    source = tmp_path / "in.arrows"
    source.write_bytes(data[:-8])
    assert_same(programs.convert(source, tmp_path / "out.arrow"), made.schema, made.columns, made.lengths)


@pytest.mark.parametrize("codec", ["zstd", "lz4"])
def test_raw_buffer_in_a_compressed_body(programs, tmp_path, codec):
    """A buffer that does not shrink may be stored as it is, with -1 for its length."""
    source, values = tmp_path / "in.arrows", pa.array([i * 0x9E3779B97F4A7C15 % 2**63 for i in range(1_000)])
    source.write_bytes(raw_buffers_in_compressed_stream(values, codec))
    assert read(source)[1][0].column(0).equals(values)
    assert read(programs.convert(source, tmp_path / "out.arrow"))[1][0].column(0).equals(values)


def test_convert_onto_its_own_input(programs, tmp_path):
    made, path = case(EVERYTHING), tmp_path / "same.arrow"
    write(path, made.schema, made.batches)
    programs.convert(path, path, "file", "zstd")
    assert_same(path, made.schema, made.columns, made.lengths)


def test_fletch_reads_what_it_writes(programs, written, tmp_path):
    made, path = case(EVERYTHING), written(EVERYTHING)
    for form, codec in VARIANTS:
        path = programs.convert(path, tmp_path / f"{form} {codec}", form, codec)
    assert_same(programs.convert(path, tmp_path / "last.arrow"), made.schema, made.columns, made.lengths)
