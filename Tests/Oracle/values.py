"""Makes columns of seeded random values for any Arrow type, in the shapes that break readers and writers."""
import random

import numpy as np
import pyarrow as pa

from layout import DAY_TIME, MONTH_DAY_NANO, MONTHS, is_, is_any_list, is_any_list_view, physical

SHAPES = ("nulls", "dense", "all_null", "sliced", "extremes")
DAY = {"s": 86_400, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
# Quotes, control characters, U+2028, a combining accent, a character outside the first plane.
ALPHABET = "abcXYZ 019_\"\\/\n\t\r\x00\x1f\x7féßж中\u2028e\u0301🐘"
FLOAT_EXTREMES = {
    16: [0x0000, 0x8000, 0x0001, 0x03FF, 0x0400, 0x3C00, 0x7BFF, 0xFBFF, 0x7C00, 0xFC00, 0x7E00],
    32: [0, 1 << 31, 1, 0x007FFFFF, 0x00800000, 0x3F800000, 0x7F7FFFFF, 0x3DCCCCCD, 0x7F800000, 0xFF800000,
         0x7FC00000, 0x4B800000, 0x60AD78EC],
    64: [0, 1 << 63, 1, 0x000FFFFFFFFFFFFF, 0x0010000000000000, 0x3FF0000000000000, 0x7FEFFFFFFFFFFFFF,
         0x3FB999999999999A, 0x7FF0000000000000, 0xFFF0000000000000, 0x7FF8000000000000, 0x4340000000000000,
         0x444B1AE4D6E2EF50],
}


def column(t, rows, shape, seed):
    """An array in the physical layout of `t`; a table of such arrays becomes logical by `layout.retype`."""
    rng = random.Random(f"{seed} {t} {shape}")
    if shape == "sliced":
        # Odd offsets put validity bits and booleans in the middle of a byte.
        return Maker(rng, 0.3).make(t, rows + 16).slice(3, rows + 8).slice(4, rows)
    rate = {"nulls": 0.3, "dense": 0.0, "all_null": 1.0, "extremes": 0.1}[shape]
    return Maker(rng, rate, shape == "extremes").make(t, rows)


class Maker:
    """Makes arrays with one source of randomness, one rate of nulls, and values typical or extreme."""

    def __init__(self, rng, null_rate, extremes=False):
        self.rng, self.null_rate, self.extremes = rng, null_rate, extremes

    def make(self, t, rows, nullable=True):
        if isinstance(t, pa.BaseExtensionType):
            return self.make(t.storage_type, rows, nullable)
        if is_.is_null(t):
            return pa.nulls(rows)
        if is_.is_union(t):
            return self._union(t, rows)
        if is_.is_run_end_encoded(t):
            return self._run_end_encoded(t, rows)
        valid = [not nullable or self.rng.random() >= self.null_rate for _ in range(rows)]
        if is_.is_dictionary(t):
            return self._dictionary(t, valid)
        if is_any_list(t) or is_.is_map(t) or is_.is_fixed_size_list(t) or is_.is_struct(t):
            return self._nested(t, valid)
        values = [self._scalar(t, i) if ok else None for i, ok in enumerate(valid)]
        if is_.is_floating(t):
            return pa.array(values, _unsigned(t.bit_width)).view(t)
        return pa.array(values, physical(t))

    def _scalar(self, t, i):
        """One non-null value, as the physical type holds it (floats as their bits)."""
        rng = self.rng
        if is_.is_boolean(t):
            return rng.random() < 0.5
        if is_.is_floating(t):
            return self._float_bits(t.bit_width, i)
        if is_.is_decimal(t):
            top = 10 ** t.precision - 1
            value = self._integer(-top, top, i)
            return value.to_bytes(t.bit_width // 8, "little", signed=True)
        if t == MONTH_DAY_NANO:
            parts = (self._integer(*_signed_range(bits), i) for bits in (32, 32, 64))
            return b"".join(v.to_bytes(n, "little", signed=True) for v, n in zip(parts, (4, 4, 8)))
        if is_.is_date64(t):
            # Whole days only: the format asks for them and pyarrow's validation insists.
            low, high = _signed_range(64)
            return self._integer(-(-low // DAY["ms"]), high // DAY["ms"], i, typical=50_000) * DAY["ms"]
        if is_.is_time(t):
            return self._integer(0, DAY[t.unit] - 1, i, typical=DAY[t.unit] - 1)
        if is_.is_timestamp(t):
            return self._integer(*_signed_range(64), i, typical=DAY[t.unit] * 30_000)
        if is_.is_date32(t):
            return self._integer(*_signed_range(32), i, typical=50_000)
        if is_.is_unsigned_integer(t):
            return self._integer(0, 2 ** t.bit_width - 1, i)
        if is_.is_signed_integer(t) or is_.is_duration(t):
            return self._integer(*_signed_range(t.bit_width), i)
        if t == MONTHS:
            return self._integer(*_signed_range(32), i)
        if t == DAY_TIME:
            # Both halves matter, so mostly the full range: a small number would leave the second half 0 or -1.
            return rng.randint(*_signed_range(64))
        if is_.is_fixed_size_binary(t):
            return rng.randbytes(t.byte_width)
        if is_.is_string(t) or is_.is_large_string(t) or is_.is_string_view(t):
            return "".join(rng.choices(ALPHABET, k=self._length(i)))
        return rng.randbytes(self._length(i))

    def _integer(self, low, high, i, typical=1_000):
        if self.extremes:
            return min(max((low, high, 0, -1, 1, low + 1, high - 1)[i % 7], low), high)
        if self.rng.random() < 0.5:
            return self.rng.randint(low, high)
        return self.rng.randint(max(low, -typical), min(high, typical))

    def _float_bits(self, width, i):
        if self.extremes:
            return FLOAT_EXTREMES[width][i % len(FLOAT_EXTREMES[width])]
        if self.rng.random() < 0.5:
            return self.rng.getrandbits(width)
        float_type = {16: np.float16, 32: np.float32, 64: np.float64}[width]
        value = float_type(round(self.rng.uniform(-1_000, 1_000), 2))
        return int.from_bytes(value.tobytes(), "little")

    def _length(self, i):
        """Lengths on both sides of 12, the longest value a view keeps inline."""
        if self.extremes:
            return (0, 12, 13, 4, 5, 300)[i % 6]
        return self.rng.choice((0, 1, 3, 7, 12, 13, 20, 40))

    def _nested(self, t, valid):
        rows, child_lengths = len(valid), None
        buffers = [_validity(valid)]
        if is_.is_struct(t):
            children = [self.make(f.type, rows, f.nullable) for f in t.fields]
        elif is_.is_fixed_size_list(t):
            children = [self.make(t.value_type, rows * t.list_size, t.value_field.nullable)]
        elif is_any_list_view(t):
            children = [self.make(t.value_type, rows + 5, t.value_field.nullable)]
            buffers += self._views(t, rows, rows + 5)
        else:
            # Null slots may own items too, and the first item need not belong to the first list.
            child_lengths = [2] + [self.rng.choice((0, 0, 1, 2, 3)) for _ in valid]
            buffers.append(_numbers(np.cumsum(child_lengths), 64 if is_.is_large_list(t) else 32))
            total = sum(child_lengths)
            if is_.is_map(t):
                entries = physical(t).field(0).type
                keys, items = self.make(t.key_type, total, False), self.make(t.item_type, total, t.item_field.nullable)
                children = [pa.Array.from_buffers(entries, total, [None], children=[keys, items])]
            else:
                children = [self.make(t.value_type, total, t.value_field.nullable)]
        return pa.Array.from_buffers(physical(t), rows, buffers, children=children)

    def _views(self, t, rows, items):
        """Offsets and sizes in any order that share items freely."""
        starts = [self.rng.randint(0, items - 3) for _ in range(rows)]
        sizes = [self.rng.randint(0, 3) for _ in range(rows)]
        width = 64 if is_.is_large_list_view(t) else 32
        return [_numbers(starts, width), _numbers(sizes, width)]

    def _union(self, t, rows):
        picks = [self.rng.randrange(t.num_fields) for _ in range(rows)]
        fields = [t.field(i) for i in range(t.num_fields)]
        codes = pa.array([t.type_codes[p] for p in picks], pa.int8())
        names = [f.name for f in fields]
        if t.mode == "sparse":
            children = [self.make(f.type, rows, f.nullable) for f in fields]
            return pa.UnionArray.from_sparse(codes, children, names, t.type_codes)
        children = [self.make(f.type, rows + 1, f.nullable) for f in fields]
        # The format wants the offsets of each child in rising order; a value may be used by no row.
        used, offsets = [self.rng.randint(0, 1) for _ in fields], []
        for p in picks:
            offsets.append(used[p])
            used[p] += 1
        return pa.UnionArray.from_dense(codes, pa.array(offsets, pa.int32()), children, names, t.type_codes)

    def _dictionary(self, t, valid):
        size = min(10, len(valid)) if any(valid) else 0
        values = self.make(t.value_type, size)
        indices = pa.array([self.rng.randrange(size) if ok else None for ok in valid], t.index_type)
        return pa.DictionaryArray.from_arrays(indices, values, ordered=t.ordered)

    def _run_end_encoded(self, t, rows):
        ends = []
        while (ends[-1] if ends else 0) < rows:
            ends.append(min(rows, (ends[-1] if ends else 0) + self.rng.randint(1, 5)))
        values = self.make(t.value_type, len(ends))
        return pa.RunEndEncodedArray.from_arrays(pa.array(ends, t.run_end_type), values)


def _signed_range(bits):
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def _unsigned(bits):
    return {16: pa.uint16(), 32: pa.uint32(), 64: pa.uint64()}[bits]


def _numbers(values, bits):
    return pa.py_buffer(np.asarray(values, dtype=f"int{bits}"))


def _validity(valid):
    return None if all(valid) else pa.py_buffer(np.packbits(valid, bitorder="little"))
