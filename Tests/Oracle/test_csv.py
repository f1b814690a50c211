"""`fletch cat --format csv` of what pyarrow wrote, read back by Python's csv module; and tables, as far as they can be told."""
import csv
import io
import json
import sys

import pyarrow as pa
import pytest

from cases import NAMES, case
from check import write
from layout import is_
from render import Float, Object, parse_rows

csv.field_size_limit(sys.maxsize)


def read_csv(text, width):
    rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    # The csv module takes an empty line, such as the one null of a row, for a row without fields.
    return [[""] if width == 1 and row == [] else row for row in rows]


def shown_type(t):
    while True:
        if isinstance(t, pa.BaseExtensionType):
            t = t.storage_type
        elif is_.is_dictionary(t) or is_.is_run_end_encoded(t):
            t = t.value_type
        else:
            return t


def is_shown(text, value, t):
    """Whether a field is the value that JSON tells so, in the form of SQL."""
    if value is None:
        return text == ""
    if isinstance(value, Float):
        return value == float(text)
    if isinstance(value, bool):
        return text == str(value).lower()
    if isinstance(value, (list, Object)):
        return parse_rows(text) == [value]
    if is_.is_timestamp(t) or is_.is_time(t):
        value = value.removesuffix("Z").replace("T", " ")
        whole, _, fraction = value.partition(".")
        value = value if fraction.strip("0") else whole
    return text == str(value)


@pytest.mark.parametrize("name", NAMES)
def test_csv(programs, written, name):
    made = case(name)
    text = programs.fletch("cat", written(name), "--format", "csv").stdout.decode()
    header, *rows = read_csv(text, len(made.schema))
    assert header == made.schema.names and len(rows) == made.rows
    for i, field in enumerate(made.schema):
        t = shown_type(field.type)
        for j, (row, value) in enumerate(zip(rows, made.columns[i])):
            assert is_shown(row[i], value, t), f"row {j} of {field}: {row[i]!r} is not {value!r}"


def test_nulls_and_empty_texts_differ(programs, tmp_path):
    table = pa.table({"a": ["", None, "x"], "b": [None, "", "NULL"]})
    path = write(tmp_path / "a", table.schema, table.to_batches())
    assert programs.fletch("cat", path, "--format", "csv").stdout == b'a,b\r\n"",\r\n,""\r\nx,NULL\r\n'
    lines = programs.fletch("cat", path, "--format", "table").stdout.decode().splitlines()
    assert lines[0].split() == ["a", "│", "b"] and lines[-1] == "(3 rows)"
    assert [line.split("│")[1].strip() for line in lines[2:5]] == ["NULL", "", '"NULL"']


@pytest.mark.parametrize("name", NAMES)
def test_tables_have_a_line_for_each_row(programs, written, name):
    made = case(name)
    lines = programs.fletch("cat", written(name), "--format", "table").stdout.decode().split("\n")
    assert lines[-2] == f"({made.rows} row{'' if made.rows == 1 else 's'})"
    if len(made.schema):
        assert len(lines) == made.rows + 4
        assert {line.count("│") >= len(made.schema) - 1 for line in lines[2:-2]} <= {True}


def test_json_is_the_default(programs, written):
    path = written("integers")
    assert programs.cat(path) == programs.cat(path, "--format", "json")
    assert json.loads(programs.cat(path).splitlines()[0])


def test_other_formats_are_wrong_usage(programs, written):
    done = programs.fletch("cat", written("integers"), "--format", "xml", code=2)
    assert b"table, csv, json" in done.stderr
    assert b"convert" in programs.fletch("cat", written("integers"), "--format", "arrow", code=2).stderr
