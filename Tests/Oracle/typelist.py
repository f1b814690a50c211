"""Every type of the columnar format by family, and seeded random nestings of them."""
import random

import pyarrow as pa

from layout import DAY_TIME, MONTH_DAY_NANO, MONTHS, Celsius

INTEGERS = [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()]
UNITS = ("s", "ms", "us", "ns")
TEXT = [pa.utf8(), pa.large_utf8(), pa.string_view()]
BINARY = [pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(0), pa.binary(1), pa.binary(16)]
DECIMALS = [
    pa.decimal32(1, 0), pa.decimal32(9, 2), pa.decimal32(9, 9), pa.decimal32(5, -3),
    pa.decimal64(10, 0), pa.decimal64(18, 5), pa.decimal64(18, 18), pa.decimal64(18, -2),
    pa.decimal128(1, 1), pa.decimal128(20, 0), pa.decimal128(38, 10), pa.decimal128(38, 38), pa.decimal128(5, -3),
    pa.decimal256(39, 0), pa.decimal256(76, 20), pa.decimal256(76, 76), pa.decimal256(76, -5),
]
TIMESTAMPS = [pa.timestamp(unit, tz) for unit in UNITS for tz in (None, "UTC", "America/New_York", "+05:30")]
PAIR = pa.struct([pa.field("x", pa.int32()), pa.field("y", pa.utf8())])


def _unions(make):
    ints_and_text = [pa.field("i", pa.int64()), pa.field("s", pa.utf8())]
    return [
        make(ints_and_text),
        make(ints_and_text, [5, 9]),
        make([pa.field("a", pa.bool_()), pa.field("b", pa.list_(pa.int8())), pa.field("c", PAIR)], [127, 0, 3]),
        make([pa.field("only", pa.null())]),
        make([pa.field("d", pa.dictionary(pa.int8(), pa.utf8())), pa.field("r", pa.float16())]),
    ]


FAMILIES = {
    "null_bool": [pa.null(), pa.bool_()],
    "integers": INTEGERS,
    "floats": [pa.float16(), pa.float32(), pa.float64()],
    "decimals": DECIMALS,
    "dates_times": [pa.date32(), pa.date64(), pa.time32("s"), pa.time32("ms"), pa.time64("us"), pa.time64("ns")]
    + [pa.duration(unit) for unit in UNITS],
    "timestamps": TIMESTAMPS,
    "intervals": [MONTHS, DAY_TIME, MONTH_DAY_NANO],
    "text_binary": TEXT + BINARY,
    "lists": [
        pa.list_(pa.int32()), pa.list_(pa.bool_()), pa.list_(pa.utf8()), pa.list_(pa.null()), pa.list_(PAIR),
        pa.large_list(pa.float64()), pa.large_list(pa.string_view()), pa.list_(pa.list_(pa.int8())),
        pa.list_(pa.field("entry", pa.int64(), nullable=False, metadata={"unit": "m"})),
    ],
    "list_views": [
        pa.list_view(pa.int32()), pa.list_view(pa.bool_()), pa.list_view(pa.utf8()), pa.list_view(PAIR),
        pa.large_list_view(pa.int64()), pa.large_list_view(pa.binary_view()), pa.list_view(pa.list_view(pa.int8())),
    ],
    "fixed_size_lists": [
        pa.list_(pa.int32(), 0), pa.list_(pa.int32(), 1), pa.list_(pa.bool_(), 3), pa.list_(pa.utf8(), 2),
        pa.list_(PAIR, 2), pa.list_(pa.list_(pa.int16(), 2), 3), pa.list_(pa.null(), 2),
    ],
    "structs": [
        pa.struct([]), PAIR, pa.struct([pa.field("in", PAIR), pa.field("b", pa.bool_(), nullable=False)]),
        pa.struct([pa.field("twice", pa.int8()), pa.field("twice", pa.utf8()), pa.field("", pa.null())]),
        pa.struct([pa.field("m", pa.int8(), metadata={"k": "v", "empty": ""})]),
    ],
    "maps": [
        pa.map_(pa.utf8(), pa.int32()), pa.map_(pa.int64(), PAIR), pa.map_(pa.utf8(), pa.list_(pa.bool_())),
        pa.map_(pa.utf8(), pa.utf8(), keys_sorted=True), pa.map_(PAIR, pa.map_(pa.int8(), pa.null())),
        pa.map_(pa.int8(), pa.field("value", pa.float32(), nullable=False)),
    ],
    "dense_unions": _unions(pa.dense_union),
    "sparse_unions": _unions(pa.sparse_union),
    "dictionaries": [pa.dictionary(index, pa.utf8()) for index in INTEGERS] + [
        pa.dictionary(pa.int8(), pa.utf8(), ordered=True), pa.dictionary(pa.int32(), pa.int64()),
        pa.dictionary(pa.int16(), PAIR), pa.dictionary(pa.int8(), pa.list_(pa.int32())),
        pa.dictionary(pa.int32(), pa.bool_()), pa.dictionary(pa.int32(), pa.string_view()),
        pa.dictionary(pa.int32(), pa.decimal128(10, 2)), pa.dictionary(pa.int32(), pa.timestamp("us", "UTC")),
        pa.dictionary(pa.int32(), pa.binary(3)), pa.dictionary(pa.int32(), pa.float64()),
        pa.list_(pa.dictionary(pa.int8(), pa.utf8())), pa.struct([pa.field("d", pa.dictionary(pa.int8(), PAIR))]),
        pa.map_(pa.dictionary(pa.int32(), pa.utf8()), pa.dictionary(pa.int8(), pa.int64())),
    ],
    "run_ends": [
        pa.run_end_encoded(end, value)
        for end in (pa.int16(), pa.int32(), pa.int64())
        for value in (pa.int64(), pa.utf8(), pa.bool_())
    ] + [
        pa.run_end_encoded(pa.int32(), PAIR), pa.run_end_encoded(pa.int32(), pa.list_(pa.int8())),
        pa.run_end_encoded(pa.int32(), pa.dictionary(pa.int8(), pa.utf8())),
        pa.run_end_encoded(pa.int16(), pa.string_view()), pa.run_end_encoded(pa.int32(), pa.null()),
        pa.list_(pa.run_end_encoded(pa.int16(), pa.float32())),
        pa.struct([pa.field("r", pa.run_end_encoded(pa.int32(), pa.utf8()))]),
    ],
    "extensions": [
        pa.uuid(), pa.json_(), pa.bool8(), Celsius(), Celsius(pa.list_(pa.int8()), ""), pa.list_(pa.uuid()),
        pa.struct([pa.field("t", Celsius())]), Celsius(pa.dictionary(pa.int8(), pa.utf8()), "coded"),
    ],
    "three_deep": [
        pa.list_(pa.struct([pa.field("m", pa.map_(pa.utf8(), pa.list_(pa.int16())))])),
        pa.struct([pa.field("l", pa.list_(pa.list_view(pa.utf8()))), pa.field("n", pa.null())]),
        pa.map_(pa.utf8(), pa.list_(pa.dense_union([pa.field("a", PAIR), pa.field("b", pa.bool_())], [3, 1]))),
        pa.list_(pa.list_(pa.list_(pa.bool_(), 2)), 2),
        pa.large_list(pa.large_list_view(pa.sparse_union([pa.field("a", pa.list_(pa.int8())), pa.field("b", PAIR)]))),
        pa.dense_union([pa.field("s", pa.struct([pa.field("l", pa.list_(pa.decimal128(9, 2)))])),
                        pa.field("u", pa.sparse_union([pa.field("x", pa.int8()), pa.field("y", MONTHS)]))]),
    ],
}
FLAT = [t for family in list(FAMILIES)[:8] for t in FAMILIES[family]]
ALL_TYPES = [t for family in FAMILIES.values() for t in family]


def random_type(seed, depth=3):
    """A nested type; its outermost three levels are containers."""
    return _random_type(random.Random(seed), depth, ())


def _random_type(rng, depth, inside):
    if depth == 0:
        return rng.choice(FLAT)
    lists = ["list", "large_list", "list_view", "large_list_view"]
    kinds = [*lists, "fixed", "struct", "struct", "map", "dense", "sparse"]
    # pyarrow cannot write a dictionary anywhere inside a dictionary's values; runs of runs have no use.
    if "dictionary" not in inside:
        kinds.append("dictionary")
    if inside[-1:] != ("runs",):
        kinds.append("runs")
    kind = rng.choice(kinds)

    def child(name):
        nullable = rng.random() < 0.8
        return pa.field(name, _random_type(rng, depth - 1, inside + (kind,)), nullable)

    if kind in lists:
        return getattr(pa, "list_" if kind == "list" else kind)(child("item"))
    if kind == "fixed":
        return pa.list_(child("item"), rng.choice((0, 1, 2, 3)))
    if kind == "struct":
        return pa.struct([child(name) for name in "abcd"[:rng.randint(1, 3)]])
    if kind == "map":
        return pa.map_(rng.choice(FLAT[2:]), child("value"))
    if kind in ("dense", "sparse"):
        make = pa.dense_union if kind == "dense" else pa.sparse_union
        count = rng.randint(1, 3)
        return make([child(name) for name in "xyz"[:count]], rng.sample(range(128), count))
    if kind == "dictionary":
        return pa.dictionary(rng.choice(INTEGERS), child("").type)
    return pa.run_end_encoded(rng.choice((pa.int16(), pa.int32(), pa.int64())), child("").type)
