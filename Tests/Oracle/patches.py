"""IPC bytes that pyarrow itself does not write, made by patching those it writes."""
import io
import struct

import pyarrow as pa


def stream_of(array, codec=None):
    sink = io.BytesIO()
    batch = pa.record_batch([array], names=["a"])
    with pa.ipc.new_stream(sink, batch.schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def _header_size(data, at):
    """The length of the message header at that place, whose prefix is eight bytes."""
    continuation, size = struct.unpack_from("<Ii", data, at)
    assert continuation == 0xFFFFFFFF
    return size


def big_endian_stream(array):
    """A stream whose schema says big-endian; its body is left as it is."""
    data = stream_of(array)
    size = _header_size(data, 0)
    return _prefix(_with_endianness(data[8:8 + size])) + data[8 + size:]


def _with_endianness(header):
    """The schema message with the field `endianness` set to 1, which little-endian writers leave out.

    A flatbuffer table finds its fields through a vtable: offsets from the table's start, 0 for a field
    left out, endianness the first of Schema's. A copy of the vtable goes to the end of the message,
    with an offset to a new value there, and the table is pointed to it.
    """
    header = bytearray(header)
    message = struct.unpack_from("<I", header)[0]
    table = _follow(header, message, field=2)
    old_vtable = table - struct.unpack_from("<i", header, table)[0]
    vtable_size = struct.unpack_from("<H", header, old_vtable)[0]
    vtable = bytearray(header[old_vtable:old_vtable + vtable_size])
    header += bytes(-len(header) % 8)
    value = len(header)
    header += struct.pack("<h6x", 1)
    struct.pack_into("<HH", vtable, 2, value + 2 - table, value - table)
    struct.pack_into("<i", header, table, table - len(header))
    header += vtable
    return header + bytes(-len(header) % 8)


def _follow(header, table, field):
    """Where the table lies that a table's field refers to."""
    vtable = table - struct.unpack_from("<i", header, table)[0]
    place = table + struct.unpack_from("<H", header, vtable + 4 + 2 * field)[0]
    return place + struct.unpack_from("<I", header, place)[0]


def _prefix(header):
    return struct.pack("<Ii", 0xFFFFFFFF, len(header)) + bytes(header)


def raw_buffers_in_compressed_stream(array, codec):
    """A compressed stream of an int64 array without nulls, its values' buffer stored raw.

    The compressed frame of noise is longer than the noise, so the raw bytes fit into its place.
    """
    data = bytearray(stream_of(array, codec))
    batch = 8 + _header_size(data, 0)
    body = batch + 8 + _header_size(data, batch)
    raw = array.buffers()[1].to_pybytes()[:8 * len(array)]
    assert struct.unpack_from("<q", data, body)[0] == len(raw)
    # A vector of two Buffer structs (offset, length): no validity, then the values.
    at = data.index(struct.pack("<Iqqq", 2, 0, 0, 0), batch, body) + 20
    assert struct.unpack_from("<q", data, at + 8)[0] >= 8 + len(raw)
    struct.pack_into("<q", data, at + 8, 8 + len(raw))
    data[body:body + 8 + len(raw)] = struct.pack("<q", -1) + raw
    return bytes(data)
