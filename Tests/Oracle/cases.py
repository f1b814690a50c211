"""The tables that every reading and writing test goes through, made once each from fixed seeds."""
import random
from functools import cache, cached_property

import pyarrow as pa

from layout import physical, retype
from render import render_columns
from typelist import ALL_TYPES, FAMILIES, random_type
from values import SHAPES, column

# An empty batch in the middle, and no length a multiple of eight.
CUTS = (11, 0, 19, 7)
RANDOM_TABLES, TYPES_PER_RANDOM_TABLE = 12, 8


class Case:
    """A schema with batches, and the JSON values its columns must show."""

    def __init__(self, schema, batches, **write_options):
        self.schema, self.batches, self.write_options = schema, batches, write_options

    @cached_property
    def columns(self):
        return render_columns(self.schema, self.batches)

    @cached_property
    def lengths(self):
        return [batch.num_rows for batch in self.batches]

    @property
    def rows(self):
        return sum(self.lengths)


def table(fields, arrays, cuts, metadata=None):
    """A case of those columns (arrays in physical layout), cut into batches of those lengths."""
    schema = pa.schema(fields, metadata)
    plain = pa.schema([pa.field(f.name, physical(f.type)) for f in fields])
    whole = retype(pa.RecordBatch.from_arrays(arrays, schema=plain), schema)
    starts = [sum(cuts[:i]) for i in range(len(cuts))]
    return Case(schema, [whole.slice(start, rows) for start, rows in zip(starts, cuts)])


def random_table(fields, cuts, shape="nulls", seed=0, metadata=None):
    rows = max(1, sum(cuts))
    arrays = [column(f.type, rows, shape if f.nullable else "dense", f"{seed} {i}") for i, f in enumerate(fields)]
    return table(fields, arrays, cuts, metadata)


def _every_shape(types):
    """Each type in every shape, so that one file tests a family."""
    fields = [pa.field(f"{i} {shape}", t) for i, t in enumerate(types) for shape in SHAPES]
    arrays = [column(f.type, sum(CUTS), f.name.split()[1], f.name) for f in fields]
    return table(fields, arrays, CUTS)


def _random_nesting(number):
    first = number * TYPES_PER_RANDOM_TABLE
    fields = [pa.field(f"seed {i}", random_type(i)) for i in range(first, first + TYPES_PER_RANDOM_TABLE)]
    arrays = [column(f.type, sum(CUTS), SHAPES[i % len(SHAPES)], i) for i, f in enumerate(fields)]
    return table(fields, arrays, CUTS)


def _numbered(types):
    return [pa.field(f"c{i}", t) for i, t in enumerate(types)]


SIMPLE = _numbered([pa.int64(), pa.utf8(), pa.bool_(), pa.list_(pa.int16()), pa.dictionary(pa.int32(), pa.utf8())])


def _no_columns():
    schema = pa.schema([], {"only": "metadata"})
    return Case(schema, [pa.record_batch([pa.nulls(n)], names=["x"]).select([]) for n in (5, 0, 3)])


def _names():
    names = ["", "", "same", "same", "same", "naïve ☕", "中文", "🐘", "with\nnewline", "q\"uote\\", "nul\x00in"]
    return random_table([pa.field(name, pa.int32()) for name in names], CUTS)


def _metadata():
    fields = [
        pa.field("a", pa.int32(), metadata={"key": "value", "empty": "", "": "empty key"}),
        pa.field("b", pa.struct([pa.field("c", pa.utf8(), metadata={"☕": "中"})]), metadata={"field_id": "1"}),
        pa.field("d", pa.dictionary(pa.int8(), pa.utf8()), metadata={"on": "dictionary"}),
        pa.field("none", pa.int8()),
    ]
    table_metadata = {"k": "v", "": "", "json": '{"a": "\u2028"}', "nul": "a\x00b\x01", "long": "x" * 100_000}
    return random_table(fields, CUTS, metadata=table_metadata)


def _metadata_not_text():
    """Bytes that are no UTF-8: pickled metadata of real programs is such."""
    blob = bytes(range(256))
    return random_table([pa.field("a", pa.int32(), metadata={b"\xff\xfe": blob})], CUTS, metadata={"blob": blob})


def _not_nullable():
    types = [t for t in ALL_TYPES if not pa.types.is_null(t)]
    return random_table([pa.field(f"c{i}", t, nullable=False) for i, t in enumerate(types)], CUTS)


def _many_batches():
    rng = random.Random(7)
    return random_table(_numbered(random.Random(8).sample(ALL_TYPES, 12)), [rng.randint(0, 9) for _ in range(100)])


def _big():
    """Enough rows for several kilobytes per buffer: real compression, offsets past 16 bits."""
    types = [pa.int64(), pa.float64(), pa.utf8(), pa.string_view(), pa.bool_(), pa.list_(pa.int32()),
             pa.dictionary(pa.int16(), pa.utf8()), pa.run_end_encoded(pa.int16(), pa.int32())]
    return random_table(_numbered(types), (5_000, 1, 2_999))


def _long_values():
    texts = ["é" * 70_000, "", None, "x" * 200_000, "short"]
    types = [pa.utf8(), pa.large_utf8(), pa.string_view()]
    blobs = [None if text is None else text.encode() for text in texts]
    binaries = [pa.binary(), pa.large_binary(), pa.binary_view()]
    arrays = [pa.array(texts, t) for t in types] + [pa.array(blobs, t) for t in binaries]
    return table(_numbered(types + binaries), arrays, (2, 3))


def _views_of_many_buffers():
    """Views that point into several data buffers of one array."""
    parts = [pa.array([f"{name} is longer than twelve bytes {i}" for i in range(5)] + ["in", None], pa.string_view())
             for name in "abc"]
    texts = pa.concat_arrays(parts)
    assert len(texts.buffers()) > 3
    return table(_numbered([pa.string_view(), pa.binary_view()]), [texts, texts.view(pa.binary_view())], (10, 11))


def _growing_dictionaries(replace):
    """A dictionary that grows from batch to batch, or is another one in each."""
    words = [["a", "b"], ["a", "b", "c", None], ["a", "b", "c", None, "d", "e"]]
    if replace:
        words = [["a", "b"], ["x", None, "y"], ["b", "a"], ["b", "a"]]
    schema = pa.schema([("i", pa.int64()), ("d", pa.dictionary(pa.int8(), pa.utf8())),
                        ("l", pa.dictionary(pa.int32(), pa.large_utf8()))])
    batches = []
    for number, values in enumerate(words):
        indices = [None if i % 5 == 4 else i % len(values) for i in range(10)]
        arrays = [pa.array(range(number * 10, number * 10 + 10), pa.int64())]
        for field in list(schema)[1:]:
            dictionary = pa.array(values, field.type.value_type)
            arrays.append(pa.DictionaryArray.from_arrays(pa.array(indices, field.type.index_type), dictionary))
        batches.append(pa.RecordBatch.from_arrays(arrays, schema=schema))
    return Case(schema, batches, **({} if replace else {"emit_dictionary_deltas": True}))


_MAKERS = {name: (lambda types=types: _every_shape(types)) for name, types in FAMILIES.items()}
_MAKERS |= {f"random_{i:02d}": (lambda i=i: _random_nesting(i)) for i in range(RANDOM_TABLES)}
_MAKERS |= {
    "no_rows": lambda: random_table(_numbered(ALL_TYPES), (0,)),
    "no_batches": lambda: random_table(_numbered(ALL_TYPES), ()),
    "one_row": lambda: random_table(_numbered(ALL_TYPES), (1,), "dense"),
    "one_null": lambda: random_table(_numbered(ALL_TYPES), (1,), "all_null"),
    "eight_and_sixtyfour_rows": lambda: random_table(_numbered(ALL_TYPES), (8, 64)),
    "no_columns": _no_columns,
    "hundred_columns": lambda: random_table(_numbered([ALL_TYPES[i % len(ALL_TYPES)] for i in range(0, 300, 3)]), CUTS),
    "names": _names,
    "metadata": _metadata,
    "metadata_not_text": _metadata_not_text,
    "not_nullable": _not_nullable,
    "many_batches": _many_batches,
    "big": _big,
    "long_values": _long_values,
    "views_of_many_buffers": _views_of_many_buffers,
    "growing_dictionaries": lambda: _growing_dictionaries(replace=False),
}
NAMES = list(_MAKERS)
# Only a stream can hold these: the file format knows no replacement of a dictionary.
REPLACED_DICTIONARIES = "replaced_dictionaries"
_MAKERS[REPLACED_DICTIONARIES] = lambda: _growing_dictionaries(replace=True)


@cache
def case(name):
    return _MAKERS[name]()
