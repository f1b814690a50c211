"""`fletch sql`: what pyarrow wrote comes out of SQL with the same types and values, whatever way it takes through the statement."""
import pyarrow as pa
import pytest

from cases import NAMES, Case, case, table
from check import assert_same_schema, differences, read_valid, write
from layout import is_
from render import Float, Object, render_columns
from typelist import FAMILIES

# What SQL has no table for, and what the error says.
IMPOSSIBLE = {"no_columns": "needs a column", "names": "two columns", "metadata_not_text": None}
TABLES = [name for name in NAMES if name not in IMPOSSIBLE]

WAYS = {
    "scan": "SELECT * FROM t",
    "view": "CREATE VIEW v AS SELECT * FROM t; SELECT * FROM v",
    "subquery": "SELECT * FROM (SELECT * FROM t)",
    "cte": "WITH c AS (SELECT * FROM t) SELECT * FROM c",
    "materialized": "WITH c AS MATERIALIZED (SELECT * FROM t) SELECT * FROM c",
    "union": "SELECT * FROM t UNION ALL SELECT * FROM (SELECT * FROM t)",
    "sorted": "SELECT * FROM t ORDER BY -rowid",
    "delta": 'UPDATE t SET {first} = {first}; SELECT * FROM t ORDER BY rowid',
    "half": 'UPDATE t SET {first} = {first} WHERE rowid % 2; SELECT * FROM t ORDER BY rowid',
    "copied": "INSERT INTO t SELECT * FROM t; DELETE FROM t WHERE rowid <= {rows}; SELECT * FROM t",
}
REPEATED = {"union": 2}
REVERSED = {"sorted"}
# Where SQLite keeps the rows as those of a table.
KEPT = {"materialized"}


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def stored(t):
    """The type whose values SQL sees: without extension, dictionary and runs around it."""
    while True:
        if isinstance(t, pa.BaseExtensionType):
            t = t.storage_type
        elif is_.is_dictionary(t) or is_.is_run_end_encoded(t):
            t = t.value_type
        else:
            return t


def is_null(value):
    """A union's null is told as the alternative that is null, which SQL's NULL is not."""
    return value is None or isinstance(value, Object) and is_null(value[0][1])


def as_sql(schema, columns, way):
    """What SQL keeps of the values: no NaN, no alternatives of a null, and in rows that SQLite keeps no negative zero."""
    result = []
    for field, column in zip(schema, columns):
        t = stored(field.type)
        if is_.is_floating(t):
            column = [None if v == "NaN" else v for v in column]
            if way in KEPT:
                column = [Float(0.0, v.width) if v == Float(-0.0, t.bit_width) else v for v in column]
        elif is_.is_union(t):
            column = [None if is_null(v) else v for v in column]
        result.append(column)
    return result


def holds_nulls_that_may_not_be(t):
    """Dictionaries and runs of which some value is null, where their field says that none is: the JSON of it is refused."""
    if isinstance(t, pa.BaseExtensionType):
        return holds_nulls_that_may_not_be(t.storage_type)
    if is_.is_dictionary(t) or is_.is_run_end_encoded(t):
        return holds_nulls_that_may_not_be(t.value_type)
    fields = [t.key_field, t.item_field] if is_.is_map(t) else [t.field(i) for i in range(t.num_fields)]
    return any(not f.nullable and (is_.is_dictionary(f.type) or is_.is_run_end_encoded(f.type))
               or holds_nulls_that_may_not_be(f.type) for f in fields)


def is_possible(t, way):
    """What no 64 bits hold SQLite makes a real when it keeps rows."""
    wide = is_.is_uint64(stored(t)) or is_.is_decimal(stored(t)) and stored(t).precision > 15
    return not (way in KEPT and wide) and not holds_nulls_that_may_not_be(t)


def restricted(made, way):
    """The columns of a case that go that way."""
    def has_hidden_nulls(field):
        """Not null by its field, but by its values, or NaN: SQL sees those."""
        t = stored(field.type)
        return not field.nullable and (is_.is_union(t) or is_.is_floating(t) or t != field.type)
    names = [f.name for f in made.schema if is_possible(f.type, way) and not has_hidden_nulls(f)]
    if names == made.schema.names:
        return made
    schema = pa.schema([made.schema.field(name) for name in names], made.schema.metadata)
    return Case(schema, [batch.select(names) for batch in made.batches], **made.write_options)


def ways_of(name):
    """Every way for the families of types; for the other tables some, in turn."""
    names = list(WAYS)
    number = NAMES.index(name)
    return names if name in FAMILIES else {names[0], names[1 + number % 9], names[1 + (number * 2 + 4) % 9]}


def nullable(schema):
    """A result's fields: the table's, every one nullable."""
    return pa.schema([f.with_nullable(True) for f in schema])


def assert_result(path, made, way):
    schema, batches = read_valid(path)
    assert_same_schema(schema, nullable(made.schema))
    expected = as_sql(made.schema, made.columns, way)
    if way in REVERSED:
        expected = [column[::-1] for column in expected]
    expected = [column * REPEATED.get(way, 1) for column in expected]
    lines = differences(made.schema, expected, as_sql(schema, render_columns(schema, batches), way))
    assert not lines, "columns differ:\n" + "\n".join(lines)


@pytest.mark.parametrize("name, way", [(name, way) for name in TABLES for way in WAYS if way in ways_of(name)])
def test_types_through_sql(programs, tmp_path, name, way):
    made = restricted(case(name), way)
    source = write(tmp_path / "in.feather", made.schema, made.batches, **made.write_options)
    statement = WAYS[way].format(first=quoted(made.schema.names[0]), rows=made.rows)
    out = tmp_path / "out.feather"
    programs.fletch("sql", statement, f"t={source}", "-o", out, "--quiet")
    assert_result(out, made, way)


@pytest.mark.parametrize("form, codec", [("file", "none"), ("stream", "zstd")])
@pytest.mark.parametrize("name", TABLES)
def test_types_through_a_database(programs, tmp_path, name, form, codec):
    """Published, partly changed, compacted, and read again after each."""
    made = restricted(case(name), "scan")
    source = write(tmp_path / "in", made.schema, made.batches, form, codec, **made.write_options)
    database, out = tmp_path / "db", tmp_path / "out.feather"
    programs.fletch("publish", source, "--table", "t", "--database", database, "--quiet")
    first = quoted(made.schema.names[0])

    def check():
        programs.fletch("sql", "SELECT * FROM t", "--database", database, "-o", out)
        assert_result(out, made, "scan")
    check()
    # The last rows: so that the delta stands behind what is left of the segments.
    programs.fletch("sql", f"UPDATE t SET {first} = {first} WHERE rowid > {made.rows // 2}", "--database", database,
                    "--quiet")
    check()
    programs.fletch("compact", "--database", database, "--quiet")
    check()


@pytest.mark.parametrize("name, says", [(name, says) for name, says in IMPOSSIBLE.items() if says])
def test_what_cannot_be_a_table(programs, written, name, says):
    assert says in programs.error("sql", "SELECT 1", f"t={written(name)}")


def test_empty_results_have_the_types_too(programs, written, tmp_path):
    made = case("one_row")
    programs.fletch("sql", "SELECT * FROM t WHERE 0", f"t={written('one_row')}", "-o", tmp_path / "out.feather")
    schema, batches = read_valid(tmp_path / "out.feather")
    assert_same_schema(schema, nullable(made.schema))
    assert sum(batch.num_rows for batch in batches) == 0


def test_nan_is_null(programs, tmp_path):
    values = [1.5, float("nan"), None, float("inf"), float("-inf"), -0.0]
    made = table([pa.field("x", pa.float64())], [pa.array(values, pa.float64())], (6,))
    path = write(tmp_path / "x.feather", made.schema, made.batches)
    text = programs.fletch("sql", "SELECT count(*) AS n, count(x) AS values_, max(x) AS m FROM x", path).stdout.decode()
    assert text == '{"n":6,"values_":4,"m":"Infinity"}\n'
