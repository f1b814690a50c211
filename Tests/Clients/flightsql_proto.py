"""Flight SQL's messages as Python classes, from the descriptors that the ADBC driver's library carries: the numbers are the
driver's own, not ours."""
import functools
import pathlib

import adbc_driver_flightsql
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory, timestamp_pb2

SQL = "arrow.flight.protocol.sql."


def _varint(data, position):
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7


def _file_at(data, start):
    """The serialised FileDescriptorProto at `start`: its fields come in the order of their numbers, `syntax` (12) last."""
    position, last = start, 0
    while last != 12:
        key, after = _varint(data, position)
        if key & 7 != 2 or key >> 3 < last:
            break
        last = key >> 3
        length, after = _varint(data, after)
        position = after + length
    return data[start:position]


@functools.cache
def pool():
    library = next(pathlib.Path(adbc_driver_flightsql.__file__).parent.glob("*.so*")).read_bytes()
    pool = descriptor_pool.DescriptorPool()
    for standard in (timestamp_pb2, descriptor_pb2):
        pool.AddSerializedFile(standard.DESCRIPTOR.serialized_pb)
    for name in (b"Flight.proto", b"FlightSql.proto"):
        start = library.find(b"\x0a" + bytes([len(name)]) + name)
        assert start >= 0, f"the driver's library has no descriptor of {name.decode()}"
        pool.AddSerializedFile(_file_at(library, start))
    return pool


@functools.cache
def message(name):
    """The class of a message, such as `CommandGetTables` or `FlightInfo`."""
    for package in (SQL, "arrow.flight.protocol."):
        try:
            return message_factory.GetMessageClass(pool().FindMessageTypeByName(package + name))
        except KeyError:
            pass
    raise KeyError(name)


def enum(name):
    return dict(pool().FindEnumTypeByName(SQL + name).values_by_name.items())


def file_messages(name):
    return sorted(pool().FindFileByName(name).message_types_by_name)


def wrap(message):
    envelope = any_pb2.Any()
    envelope.Pack(message)
    return envelope.SerializeToString()


def unwrap(data, name):
    envelope = any_pb2.Any.FromString(data)
    found = message(name)()
    assert envelope.Is(found.DESCRIPTOR), envelope.type_url
    envelope.Unpack(found)
    return found
