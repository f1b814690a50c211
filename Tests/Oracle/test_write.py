"""What Fletch builds, slices and samples itself: pyarrow must find it valid and equal."""
import json

import pyarrow as pa
import pytest

from cases import NAMES, case
from check import CODECS, EXTENSION, FORMATS, VARIANTS, assert_aligned, assert_same, form_of, lengths, read, read_valid
from render import render_rows
from test_read import assert_rows, null_counts, variant_of
from typelist import ALL_TYPES


def other_form(name):
    """The output's format: over all cases each input variant meets both."""
    return FORMATS[NAMES.index(name) // len(VARIANTS) % 2]


@pytest.mark.parametrize("name", NAMES)
def test_rebuild(programs, written, tmp_path, name):
    """Every value read and appended to builders."""
    made, out = case(name), tmp_path / f"out.{EXTENSION[other_form(name)]}"
    programs.oracle("rebuild", written(name, *variant_of(name)), out)
    assert form_of(out) == other_form(name)
    assert_same(out, made.schema, made.columns)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_slices(programs, written, tmp_path, name, seed):
    """Batches cut at random places without copying."""
    made = case(name)
    out = tmp_path / f"out.{EXTENSION[FORMATS[seed % 2]]}"
    # Uncompressed input, so that the slices share mapped memory.
    programs.oracle("slices", written(name), out, "--seed", seed)
    assert_same(out, made.schema, made.columns)
    if form_of(out) == "file":
        assert_aligned(out)


def test_slices_are_really_cut(programs, written, tmp_path):
    programs.oracle("slices", written("big"), tmp_path / "out.arrow", "--seed", 3)
    assert len(lengths(read(tmp_path / "out.arrow")[1])) > len(case("big").batches)


def type_ids(t):
    """The ids of a type and of all types within it."""
    if isinstance(t, pa.BaseExtensionType):
        return type_ids(t.storage_type)
    inner = [t.field(i).type for i in range(t.num_fields)]
    if pa.types.is_dictionary(t):
        inner.append(t.value_type)
    return {t.id}.union(*map(type_ids, inner))


@pytest.mark.parametrize("form, codec", VARIANTS)
def test_sample_of_types(programs, tmp_path, form, codec):
    out = tmp_path / f"out.{EXTENSION[form]}"
    size = ("--rows", 300, "--seed", 5, "--batch-rows", 70)
    programs.fletch("sample", "--kind", "types", *size, "--codec", codec, "-o", out)
    schema, batches = read_valid(out)
    assert form_of(out) == form and sum(lengths(batches)) == 300
    assert_rows(programs.cat(out), schema, render_rows(schema, batches))
    seen = programs.inspect(out)
    assert (seen["rows"], seen["batches"], seen["codec"]) == (300, len(batches), codec)
    assert [column["nulls"] for column in seen["columns"]] == null_counts(schema, batches)
    if codec == "none" and form == "file":
        assert_aligned(out)
        assert (seen["alignment"], seen["maps"]) == (64, True)


def test_sample_has_every_type(programs, tmp_path):
    programs.fletch("sample", "--kind", "types", "-o", tmp_path / "a.arrow")
    schema, batches = read_valid(tmp_path / "a.arrow")
    there = set().union(*(type_ids(field.type) for field in schema))
    missing = {str(t) for t in ALL_TYPES if t.id not in there and not isinstance(t, pa.BaseExtensionType)}
    assert not missing
    assert len(batches) > 1 and sum(null_counts(schema, batches)) > 0


@pytest.mark.parametrize("codec", CODECS)
def test_sample_of_people(programs, tmp_path, codec):
    programs.fletch("sample", "--codec", codec, "-o", tmp_path / "a.arrow")
    schema, batches = read_valid(tmp_path / "a.arrow")
    people = pa.Table.from_batches(batches, schema).to_pydict()
    assert schema.names == ["id", "age", "city", "is_active", "name", "metadata"]
    assert [str(t) for t in schema.types] == ["int64", "int64", "string", "bool", "string", "struct<dept: string>"]
    assert people["name"] == ["Alice", "Bob", "Charlie", "Daniel", "Eve"]
    assert people["age"] == [25, 17, 30, 22, 16]
    assert people["city"] == ["New York", "New York", "Chicago", "New York", "Los Angeles"]
    for column in ("is_active", "metadata"):
        assert [value is None for value in people[column]] == [False, False, False, True, False]


def test_sample_of_many_people(programs, tmp_path):
    programs.fletch("sample", "--rows", 5_000, "--seed", 1, "--batch-rows", 900, "-o", tmp_path / "a.arrow")
    schema, batches = read_valid(tmp_path / "a.arrow")
    table = pa.Table.from_batches(batches, schema)
    assert lengths(batches) == [900] * 5 + [500]
    ages = table["age"].to_pylist()
    assert (min(ages), max(ages)) == (18, 65)
    assert len(set(table["city"].to_pylist())) == 10
    departments = {m["dept"] for m in table["metadata"].to_pylist() if m is not None}
    assert len(departments - {None}) == 8
    assert 0.28 < table["is_active"].null_count / 5_000 < 0.39
    assert 0.45 < table["metadata"].null_count / 5_000 < 0.55


def test_sample_of_readings(programs, tmp_path):
    programs.fletch("sample", "--kind", "readings", "--rows", 20_000, "--seed", 1, "-o", tmp_path / "a.arrows")
    schema, batches = read_valid(tmp_path / "a.arrows")
    table = pa.Table.from_batches(batches, schema)
    assert schema.names == ["id", "device", "region", "ts", "qty", "bucket", "value"]
    assert table.num_rows == 20_000 and form_of(tmp_path / "a.arrows") == "stream"
    assert len(set(table["device"].to_pylist())) == 100 and len(set(table["region"].to_pylist())) == 4
    assert len(set(table["bucket"].to_pylist())) > 10_000
    assert pa.types.is_timestamp(schema.field("ts").type) and schema.field("value").type == pa.float64()
    assert 0.01 < table["value"].null_count / 20_000 < 0.03


def test_sample_depends_on_its_seed_only(programs, tmp_path):
    def sample(seed):
        programs.fletch("sample", "--kind", "types", "--rows", 50, "--seed", seed, "-o", tmp_path / "a.arrow")
        return (tmp_path / "a.arrow").read_bytes()

    assert sample(1) == sample(1) != sample(2)


def test_sample_to_standard_output(programs, tmp_path):
    out = tmp_path / "a"
    out.write_bytes(programs.fletch("sample", "--rows", 10, "-o", "-").stdout)
    schema, batches = read_valid(out)
    assert [json.loads(line)["id"] for line in programs.cat(out).splitlines()] == [
        row for batch in batches for row in batch.column(schema.get_field_index("id")).to_pylist()
    ]
