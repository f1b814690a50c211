"""Types and their physical twins: lets tests build and read any Arrow type, also those pyarrow has no arrays for.

pyarrow can read and write month and day-time intervals but has no Python class for their arrays,
and its Python values for dates and times stop at year 9999. Both problems go away when the same
buffers are read under another schema of exactly the same layout: a timestamp column as int64, a
decimal as fixed-size binary. `physical` gives that type, `retype` swaps the schema.
"""
import ctypes

import pyarrow as pa


class _CSchema(ctypes.Structure):
    """struct ArrowSchema of the C data interface, the one way to get interval types into pyarrow."""

    _fields_ = [
        ("format", ctypes.c_char_p), ("name", ctypes.c_char_p), ("metadata", ctypes.c_char_p),
        ("flags", ctypes.c_int64), ("n_children", ctypes.c_int64), ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p), ("release", ctypes.c_void_p), ("private_data", ctypes.c_void_p),
    ]


@ctypes.CFUNCTYPE(None, ctypes.POINTER(_CSchema))
def _release(schema):
    schema.contents.release = None


def _type_of_format(text):
    schema = _CSchema(format=text, name=b"", flags=2, release=ctypes.cast(_release, ctypes.c_void_p))
    return pa.DataType._import_from_c(ctypes.addressof(schema))


# struct ArrowArray: five int64 and five pointers.
ARRAY_STRUCT_SIZE = 80
MONTHS = _type_of_format(b"tiM")
DAY_TIME = _type_of_format(b"tiD")
MONTH_DAY_NANO = pa.month_day_nano_interval()


class Celsius(pa.ExtensionType):
    """An extension type of our own, with parameters in its serialized metadata."""

    def __init__(self, storage=pa.float32(), note="outdoor ☀"):
        self.note = note
        super().__init__(storage, "fletch.celsius")

    def __arrow_ext_serialize__(self):
        return self.note.encode()

    @classmethod
    def __arrow_ext_deserialize__(cls, storage, serialized):
        return cls(storage, serialized.decode())


pa.register_extension_type(Celsius())

is_ = pa.types
_INTEGER_TWINS = {MONTHS: pa.int32(), DAY_TIME: pa.int64(), MONTH_DAY_NANO: pa.binary(16)}


def is_any_list(t):
    return is_.is_list(t) or is_.is_large_list(t) or is_any_list_view(t)


def is_any_list_view(t):
    return is_.is_list_view(t) or is_.is_large_list_view(t)


def physical(t):
    """The type of the same layout that holds only plain integers, floats, text and binary."""
    if isinstance(t, pa.BaseExtensionType):
        return physical(t.storage_type)
    if t in _INTEGER_TWINS:
        return _INTEGER_TWINS[t]
    if is_.is_decimal(t):
        return pa.binary(t.bit_width // 8)
    if is_.is_temporal(t):
        return pa.int32() if t.bit_width == 32 else pa.int64()
    if is_.is_map(t):
        return pa.map_(physical(t.key_type), physical(t.item_type), t.keys_sorted)
    if is_.is_fixed_size_list(t):
        return pa.list_(_physical_field(t.value_field), t.list_size)
    for check, make in (
        (is_.is_list, pa.list_), (is_.is_large_list, pa.large_list),
        (is_.is_list_view, pa.list_view), (is_.is_large_list_view, pa.large_list_view),
    ):
        if check(t):
            return make(_physical_field(t.value_field))
    if is_.is_struct(t):
        return pa.struct([_physical_field(f) for f in t.fields])
    if is_.is_union(t):
        fields = [_physical_field(t.field(i)) for i in range(t.num_fields)]
        make = pa.dense_union if t.mode == "dense" else pa.sparse_union
        return make(fields, t.type_codes)
    if is_.is_dictionary(t):
        return pa.dictionary(t.index_type, physical(t.value_type), t.ordered)
    if is_.is_run_end_encoded(t):
        return pa.run_end_encoded(t.run_end_type, physical(t.value_type))
    return t


def _physical_field(field):
    # Always nullable: layout does not depend on it, and arrays pyarrow builds forget it in unions.
    return pa.field(field.name, physical(field.type))


def physical_schema(schema):
    return pa.schema([_physical_field(f) for f in schema])


def retype(batch, schema):
    """The same buffers under another schema of the same layout, without a copy."""
    # Not through IPC bytes: pyarrow 26 crashes when it writes an empty union that it has read from IPC.
    holder = ctypes.create_string_buffer(ARRAY_STRUCT_SIZE)
    batch._export_to_c(ctypes.addressof(holder))
    return pa.RecordBatch._import_from_c(ctypes.addressof(holder), schema)
