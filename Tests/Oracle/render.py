"""What `fletch cat` must print: the JSON value of every row of a table, worked out from pyarrow's arrays.

Values come from the integer storage, never from datetime, whose years end at 9999.
"""
import json
import struct

import numpy as np
import pyarrow as pa

from layout import DAY_TIME, MONTH_DAY_NANO, MONTHS, is_, is_any_list, is_any_list_view, physical_schema, retype

PER_SECOND = {"s": (1, 0), "ms": (1_000, 3), "us": (1_000_000, 6), "ns": (1_000_000_000, 9)}


class Object(tuple):
    """A JSON object as its (name, value) pairs: names may repeat, and order counts."""


class Float:
    """An expected float: equal to any number that gives the same bits when rounded to its width."""

    CODES = {16: ("<e", "<H"), 32: ("<f", "<I"), 64: ("<d", "<Q")}

    def __init__(self, value, width):
        self.value, self.width = value, width
        self.bits = self._bits(value)

    def _bits(self, value):
        as_float, as_bits = self.CODES[self.width]
        return struct.unpack(as_bits, struct.pack(as_float, value))[0]

    def __eq__(self, other):
        if isinstance(other, Float):
            return (self.bits, self.width) == (other.bits, other.width)
        if isinstance(other, bool) or not isinstance(other, (int, float)):
            return False
        try:
            return self.bits == self._bits(float(other))
        except OverflowError:
            return False

    def __repr__(self):
        return f"float{self.width}({self.value!r})"


def parse_rows(text):
    """The lines of `fletch cat` as values that compare with rendered ones."""
    # Only "\n" ends a line: splitlines() would also cut at U+2028, which JSON leaves unescaped.
    return [_DECODER.decode(line) for line in text.removesuffix("\n").split("\n")] if text else []


def _parse_int(digits):
    return -0.0 if digits == "-0" else int(digits)


def _no_constants(name):
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=Object, parse_int=_parse_int, parse_constant=_no_constants)


def render_columns(schema, batches):
    """One list of JSON values per column, over all batches."""
    columns = [[] for _ in schema]
    for batch in batches:
        arrays = retype(batch, physical_schema(schema)).columns
        for column, array, field in zip(columns, arrays, schema):
            column += render(array, field.type)
    return columns


def render_rows(schema, batches):
    columns = render_columns(schema, batches)
    count = sum(batch.num_rows for batch in batches)
    return [Object((name, column[i]) for name, column in zip(schema.names, columns)) for i in range(count)]


def render(array, t):
    """The JSON values of an array in physical layout whose logical type is `t`."""
    if len(array) == 0:
        # An empty union may have no buffers.
        return []
    if isinstance(t, pa.BaseExtensionType):
        return render(array, t.storage_type)
    for check, nested in _NESTED:
        if check(t):
            return nested(array, t)
    values = array.to_pylist()
    convert = _converter(t)
    return values if convert is None else [None if v is None else convert(v) for v in values]


def _converter(t):
    """The function that renders one non-null physical value, None when it is its own rendering."""
    if is_.is_floating(t):
        return lambda v: _float(float(v), t.bit_width)
    if is_.is_decimal(t):
        return lambda v: decimal(int.from_bytes(v, "little", signed=True), t.scale)
    if is_.is_date32(t):
        return date
    if is_.is_date64(t):
        return lambda v: timestamp(v, "ms") if v % 86_400_000 else date(v // 86_400_000)
    if is_.is_time(t):
        return lambda v: time_of_day(v, t.unit)
    if is_.is_timestamp(t):
        return lambda v: timestamp(v, t.unit) + ("Z" if t.tz else "")
    if is_.is_duration(t):
        return lambda v: f"{v} {t.unit}"
    if t == MONTHS:
        return lambda v: Object([("months", v)])
    if t == DAY_TIME:
        # Two int32, days first, so in the little-endian int64 days are the low half.
        return lambda v: Object(zip(("days", "milliseconds"), struct.unpack("<ii", struct.pack("<q", v))))
    if t == MONTH_DAY_NANO:
        return lambda v: Object(zip(("months", "days", "nanoseconds"), struct.unpack("<iiq", v)))
    if is_.is_binary(t) or is_.is_large_binary(t) or is_.is_binary_view(t) or is_.is_fixed_size_binary(t):
        return bytes.hex
    return None


def _float(value, width):
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return Float(value, width)


def decimal(unscaled, scale):
    if scale <= 0:
        return str(unscaled * 10 ** -scale)
    sign, digits = ("-" if unscaled < 0 else ""), str(abs(unscaled)).zfill(scale + 1)
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}"


def date(days):
    """Days since 1970-01-01 as a proleptic Gregorian date of any year."""
    # Years are counted from March, so that the leap day is the last day of its year.
    era, day_of_era = divmod(days + 719_468, 146_097)
    year_of_era = (day_of_era - day_of_era // 1_460 + day_of_era // 36_524 - day_of_era // 146_096) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    month_from_march = (5 * day_of_year + 2) // 153
    day = day_of_year - (153 * month_from_march + 2) // 5 + 1
    month = month_from_march + 3 if month_from_march < 10 else month_from_march - 9
    year = era * 400 + year_of_era + (month <= 2)
    sign = "-" if year < 0 else "+" if year > 9999 else ""
    return f"{sign}{abs(year):04d}-{month:02d}-{day:02d}"


def time_of_day(value, unit):
    per_second, digits = PER_SECOND[unit]
    seconds, fraction = divmod(value, per_second)
    text = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{fraction:0{digits}d}" if digits else text


def timestamp(value, unit):
    days, rest = divmod(value, 86_400 * PER_SECOND[unit][0])
    return f"{date(days)}T{time_of_day(rest, unit)}"


def _list(array, t):
    items = render(array.values, t.value_type)
    starts = array.offsets.to_pylist()
    if is_any_list_view(t):
        ends = [start + size for start, size in zip(starts, array.sizes.to_pylist())]
    else:
        ends = starts[1:]
    return _where_valid(array, (items[start:end] for start, end in zip(starts, ends)))


def _fixed_size_list(array, t):
    # `values` are those of the whole array, whatever slice of it this is.
    items, size = render(array.values, t.value_type), t.list_size
    starts = range(array.offset * size, (array.offset + len(array)) * size, size) if size else [0] * len(array)
    return _where_valid(array, (items[start:start + size] for start in starts))


def _map(array, t):
    entries = [list(pair) for pair in zip(render(array.keys, t.key_type), render(array.items, t.item_type))]
    offsets = array.offsets.to_pylist()
    return _where_valid(array, (entries[start:end] for start, end in zip(offsets, offsets[1:])))


def _struct(array, t):
    children = [render(array.field(i), field.type) for i, field in enumerate(t.fields)]
    names = [field.name for field in t.fields]
    return _where_valid(array, (Object(zip(names, (c[i] for c in children))) for i in range(len(array))))


def _union(array, t):
    children = {code: render(array.field(i), t.field(i).type) for i, code in enumerate(t.type_codes)}
    # From the buffers: the arrays' own `type_codes` and `offsets` forget where a slice starts.
    rows = slice(array.offset, array.offset + len(array))
    codes = np.frombuffer(array.buffers()[1], np.int8)[rows]
    places = np.frombuffer(array.buffers()[2], np.int32)[rows] if t.mode == "dense" else range(len(array))
    named = {code: _choice(t, i, code) for i, code in enumerate(t.type_codes)}
    return [named[code](children[code][place]) for code, place in zip(codes, places)]


def _choice(t, i, code):
    """How a value of a union's child is told: under the child's name, or by its type id where the name is taken."""
    name = t.field(i).name
    if any(t.field(before).name == name for before in range(i)):
        return lambda value: [code, value]
    return lambda value: Object([(name, value)])


def _dictionary(array, t):
    values = render(array.dictionary, t.value_type)
    return [None if i is None else values[i] for i in array.indices.to_pylist()]


def _run_end_encoded(array, t):
    values, rows = render(array.values, t.value_type), []
    for value, end in zip(values, array.run_ends.to_pylist()):
        rows += [value] * (end - len(rows))
    return rows[array.offset:array.offset + len(array)]


def _where_valid(array, values):
    return [value if valid else None for value, valid in zip(values, array.is_valid().to_pylist())]


_NESTED = (
    (is_any_list, _list), (is_.is_fixed_size_list, _fixed_size_list), (is_.is_map, _map), (is_.is_struct, _struct),
    (is_.is_union, _union), (is_.is_dictionary, _dictionary), (is_.is_run_end_encoded, _run_end_encoded),
)
