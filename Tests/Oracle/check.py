"""Writes and reads IPC files and streams with pyarrow, and says where two tables differ."""
import pyarrow as pa

from render import render_columns

CODECS = ("none", "zstd", "lz4")
FORMATS = ("file", "stream")
VARIANTS = [(form, codec) for form in FORMATS for codec in CODECS]
EXTENSION = {"file": "arrow", "stream": "arrows"}


def write(path, schema, batches, form="file", codec="none", **options):
    """Writes batches as they are: one message per batch."""
    options = pa.ipc.IpcWriteOptions(compression=None if codec == "none" else codec, **options)
    make = pa.ipc.new_file if form == "file" else pa.ipc.new_stream
    with make(str(path), schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return path


def form_of(path):
    with open(path, "rb") as file:
        return "file" if file.read(6) == b"ARROW1" else "stream"


def read(path):
    """The schema and the batches of a file or a stream, from mapped memory."""
    source = pa.memory_map(str(path))
    if form_of(path) == "stream":
        reader = pa.ipc.open_stream(source)
        return reader.schema, list(reader)
    reader = pa.ipc.open_file(source)
    return reader.schema, [reader.get_batch(i) for i in range(reader.num_record_batches)]


def read_valid(path):
    schema, batches = read(path)
    for i, batch in enumerate(batches):
        try:
            batch.validate(full=True)
        except pa.ArrowInvalid as error:
            raise AssertionError(f"{path.name}: pyarrow finds batch {i} invalid: {error}") from None
    return schema, batches


def lengths(batches):
    return [batch.num_rows for batch in batches]


def differences(schema, expected, actual):
    """A line for each column whose values differ: its name, type, first such row and both values there."""
    lines = []
    for field, left, right in zip(schema, expected, actual, strict=True):
        if left == right:
            continue
        rows = [i for i, (a, b) in enumerate(zip(left, right)) if a != b]
        if rows:
            row = rows[0]
            lines.append(f"  {field.name} ({field.type}), row {row}: expected {left[row]!r}, got {right[row]!r}")
        else:
            lines.append(f"  {field.name} ({field.type}): expected {len(left)} rows, got {len(right)}")
    return lines


def assert_same(path, schema, columns, batch_lengths=None):
    """Fails unless pyarrow reads valid batches of that schema, those values and (if given) those lengths."""
    actual_schema, batches = read_valid(path)
    assert_same_schema(actual_schema, schema)
    if batch_lengths is not None:
        assert lengths(batches) == batch_lengths, "batches were cut or merged"
    lines = differences(schema, columns, render_columns(schema, batches))
    assert not lines, "columns differ:\n" + "\n".join(lines)


def assert_same_schema(actual, expected):
    if not actual.equals(expected, check_metadata=True):
        fields = [
            f"  {a.to_string(show_metadata=True)}\n    expected {e.to_string(show_metadata=True)}"
            for a, e in zip(actual, expected) if not a.equals(e, check_metadata=True)
        ]
        raise AssertionError(
            f"schemas differ: {len(actual)} columns, expected {len(expected)}; "
            f"metadata {actual.metadata}, expected {expected.metadata}\n" + "\n".join(fields)
        )


def assert_aligned(path):
    """Every buffer of a mapped, uncompressed file starts at a multiple of 64 bytes."""
    schema, batches = read(path)
    for number, batch in enumerate(batches):
        for buffer in batch.to_struct_array().buffers():
            if buffer is not None and buffer.size:
                assert buffer.address % 64 == 0, f"batch {number} has a buffer at address {buffer.address:#x}"
