"""Small files that ask for much: an error in bounded memory and time, never a crash."""
import resource
import struct
import subprocess

import pyarrow as pa

MEMORY = 3 << 30


def limited(programs, *words, memory=MEMORY, seconds=60):
    """A command in so much address space: what it prints is thrown away."""
    return subprocess.run([programs.folder / "fletch", *words], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          timeout=seconds, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (memory, memory)))


def refused(programs, *words):
    done = limited(programs, *words)
    assert done.returncode == 1, (done.returncode, done.stderr[:200])
    return done.stderr.decode()


def write_file(path, *batches):
    with pa.ipc.new_file(str(path), batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return path


def write_stream(path, *batches):
    with pa.ipc.new_stream(str(path), batches[0].schema) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return path


def shared_lists(levels):
    """One value of 2 ** levels items: on every level two lists, both of the same two below."""
    column = pa.array([1, 2], pa.int8())
    for _ in range(levels):
        column = pa.ListViewArray.from_arrays(pa.array([0, 0], pa.int32()), pa.array([2, 2], pa.int32()), column)
    return column


def test_batches_of_more_rows_than_can_be_counted(programs, tmp_path):
    rows = 2**31 - 5
    batch = pa.record_batch([pa.nulls(rows)], names=["n"])
    path = write_file(tmp_path / "a", batch, batch)
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack("<q", rows), struct.pack("<q", 2**63 - 1)))
    assert "rows" in refused(programs, "convert", path, tmp_path / "b")


def test_text_of_a_value_without_end(programs, tmp_path):
    nulls = 2**31 - 2
    many = pa.ListArray.from_arrays(pa.array([0, nulls], pa.int32()), pa.nulls(nulls))
    for column in many, shared_lists(40):
        path = write_file(tmp_path / "a", pa.record_batch([column], names=["x"]))
        assert "64000000 bytes of text" in refused(programs, "cat", path, "--memory-limit", "256000000")


def test_dictionaries_of_values_without_end(programs, tmp_path):
    values = shared_lists(40)
    batches = [pa.record_batch([pa.DictionaryArray.from_arrays(pa.array([0], pa.int8()), each)], names=["d"])
               for each in (values, values.slice(0, 1))]
    path = write_stream(tmp_path / "a.arrows", *batches)
    assert "cannot be looked up" in refused(programs, "convert", path, tmp_path / "b")


def test_dense_unions_that_name_a_large_value_often(programs, tmp_path):
    large = pa.ListArray.from_arrays(pa.array([0, 1_000_000], pa.int32()), pa.nulls(1_000_000, pa.int8()))
    union = pa.UnionArray.from_dense(pa.array([0] * 10_000, pa.int8()), pa.array([0] * 10_000, pa.int32()), [large])
    batch = pa.record_batch([union], names=["u"])
    path = write_stream(tmp_path / "a.arrows", batch, batch)
    done = limited(programs, "convert", path, tmp_path / "b", "--batch-rows", "20000")
    assert done.returncode == 0, done.stderr[:200]
    with pa.ipc.open_file(str(tmp_path / "b")) as reader:
        merged = reader.get_batch(0)
        merged.validate(full=True)
        assert merged.num_rows == 20_000 and len(merged.column(0).field(0)) == 2


def test_many_different_dictionaries_become_one(programs, tmp_path):
    """Quadratic in the batches it took minutes."""
    count, size = 600, 600
    batches = [pa.record_batch([pa.DictionaryArray.from_arrays(
        pa.array(range(size), pa.int32()), pa.array([f"value {i * size + j}" for j in range(size)]))], names=["d"])
        for i in range(count)]
    path = write_stream(tmp_path / "a.arrows", *batches)
    done = limited(programs, "convert", path, tmp_path / "b", seconds=8)
    assert done.returncode == 0, done.stderr[:200]
    with pa.ipc.open_file(str(tmp_path / "b")) as reader:
        assert reader.read_all()["d"].cast(pa.string()).to_pylist() == [f"value {i}" for i in range(count * size)]


def test_a_footer_that_names_a_batch_twice(programs, tmp_path):
    batches = [pa.record_batch([pa.array([i] * 8)], names=["x"]) for i in range(2)]
    path = write_file(tmp_path / "a", *batches)
    data = path.read_bytes()
    with pa.ipc.open_file(pa.BufferReader(data)) as reader:
        assert reader.num_record_batches == 2
    length = struct.unpack("<i", data[-10:-6])[0]
    footer = data[-10 - length:-10]
    blocks = [i for i in range(0, length - 47, 4)
              if 0 < struct.unpack_from("<q", footer, i)[0] < struct.unpack_from("<q", footer, i + 24)[0] < len(data)
              and footer[i + 8:i + 24] == footer[i + 32:i + 48]]
    assert len(blocks) == 1
    place = len(data) - 10 - length + blocks[0]
    path.write_bytes(data[:place + 24] + data[place:place + 24] + data[place + 48:])
    assert "twice" in refused(programs, "inspect", path)


def shared_metadata(count, value):
    """A stream whose schema names one key-value pair so many times."""
    data = bytearray(struct.pack("<I6H iHBBI 5H2x iII II", 16, 12, 16, 4, 6, 8, 0, 12, 4, 1, 0, 16,
                                 10, 12, 0, 4, 8, 12, 0, 16, 0, count))
    schema = 44
    struct.pack_into("<II", data, schema + 4, 8, 8)
    pair = len(data) + 4 * count + 8
    data += b"".join(struct.pack("<I", pair - (len(data) + 4 * i)) for i in range(count))
    data += struct.pack("<4H iII I", 8, 12, 4, 8, 8, 8, 4, len(value)) + value
    data += bytes(-len(data) % 8)
    return struct.pack("<Ii", 0xFFFFFFFF, len(data)) + data + struct.pack("<Ii", 0xFFFFFFFF, 0)


def test_metadata_that_repeats_itself(programs, tmp_path):
    path = tmp_path / "a.arrows"
    path.write_bytes(shared_metadata(2, b"ab"))
    assert programs.inspect(path)["schemaMetadata"] == {"ab": "ab"}
    path.write_bytes(shared_metadata(30, b"x" * 40_000_000))
    assert "too often" in refused(programs, "convert", path, tmp_path / "b")
    assert "in circles" in (path.write_bytes(shared_metadata(1_000_000, b"")) and refused(programs, "inspect", path))


def test_errors_name_the_column_and_the_batch_once(programs, tmp_path):
    def runs(count):
        return pa.RunEndEncodedArray.from_arrays(pa.array([count], pa.int16()), pa.array([1]))

    path = write_stream(tmp_path / "a.arrows", *[pa.record_batch([runs(20_000)], names=["r"]) for _ in range(2)])
    assert "column 'r': run ends" in refused(programs, "convert", path, tmp_path / "b", "--batch-rows", "40000")
    path = tmp_path / "a"
    with pa.ipc.new_file(str(path), pa.schema([("x", pa.int64())]),
                         options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_batch(pa.record_batch([[0] * 1_000_000], names=["x"]))
    assert refused(programs, "inspect", path, "--memory-limit", "1M").count("batch 0") == 1
