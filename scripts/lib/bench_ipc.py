"""Times Feather files read and written by Fletch and by pyarrow, in turns, and prints the ratios."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

import pyarrow as pa
import pyarrow.compute as pc


class Process:
    """A process that performs an operation a line, so that neither side pays for its start. Both sides have one: what this
    process frees, such as the file that was written last, would be at hand for work in itself."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, operation, *paths):
        self.process.stdin.write(" ".join([operation, *paths]) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args[0]} ended at '{operation}'")
        return json.loads(line)


class PyArrow:
    def __init__(self, threads):
        pa.set_cpu_count(threads)
        self.read_options = pa.ipc.IpcReadOptions(use_threads=threads > 1)
        self.threads = threads
        self.loaded = None

    def __call__(self, operation, path, out=None):
        if operation == "validate":
            table = self.open(path)
            return self.timed(lambda: table.validate(full=True))
        if operation.startswith("write"):
            if self.loaded is None:
                self.loaded = self.open(path)
                pc.sum(self.loaded["id"])
            codec = operation.partition("-")[2]
            codec = pa.Codec(codec, 1) if codec == "zstd" else codec or None
            options = pa.ipc.IpcWriteOptions(compression=codec, use_threads=self.threads > 1)
            return self.timed(lambda: self.write(out, options))
        return self.timed(lambda: getattr(self, operation.replace("-", "_"))(path))

    @staticmethod
    def timed(work):
        start = time.perf_counter()
        result = work() or {}
        return {"seconds": time.perf_counter() - start, **result}

    def open(self, path):
        return pa.ipc.open_file(pa.memory_map(path), options=self.read_options).read_all()

    def map_sum(self, path):
        start = time.perf_counter()
        reader = pa.ipc.open_file(pa.memory_map(path), options=self.read_options)
        opened = time.perf_counter() - start
        return {"sum": pc.sum(reader.read_all()["value"]).as_py(), "open": opened}

    def read(self, path):
        reader = pa.ipc.open_file(pa.memory_map(path), options=self.read_options)
        return {"rows": sum(reader.get_batch(i).num_rows for i in range(reader.num_record_batches))}

    def read_all(self, path):
        return {"rows": self.open(path).num_rows}

    def write(self, path, options):
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_file(sink, self.loaded.schema, options=options) as writer:
            writer.write_table(self.loaded)


def be_peer(threads):
    peer = PyArrow(threads)
    for line in sys.stdin:
        print(json.dumps(peer(*line.split())), flush=True)


def main():
    parser = argparse.ArgumentParser(prog="scripts/bench ipc")
    parser.add_argument("fletch")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    # Everything is written to memory where that is possible: a disk that falls behind would be all that is measured.
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(prefix="fletch-bench-") as folder, \
         tempfile.TemporaryDirectory(prefix="fletch-bench-", dir=memory) as output:
        run(arguments, folder, os.path.join(output, "out"))


def run(arguments, folder, out):
    plain, zstd, lz4 = (os.path.join(folder, name) for name in ("plain", "zstd", "lz4"))
    make = [arguments.fletch, "sample", "--kind", "readings", "--quiet", "--rows", str(arguments.rows)]
    subprocess.run([*make, "-o", plain], check=True)
    for codec, path in (("zstd", zstd), ("lz4", lz4)):
        subprocess.run([arguments.fletch, "convert", "-q", plain, path, "--codec", codec], check=True)
    size = os.path.getsize(plain)
    print(f"{arguments.rows:,} rows, {size / 1e6:,.0f} MB; {arguments.threads} thread(s) each; "
          f"medians of {arguments.rounds}; pyarrow {pa.__version__}\n")
    threads = str(arguments.threads)
    fletch = Process(arguments.fletch, "bench", "ipc", "--threads", threads)
    pyarrow = Process(sys.executable, __file__, "--peer", threads)
    cases = [
        ("open and map, sum one column", "map-sum", plain),
        ("read, zstd", "read", zstd), ("read, lz4", "read", lz4),
        ("read all at once, zstd", "read-all", zstd), ("read all at once, lz4", "read-all", lz4),
        ("validate fully", "validate", plain), ("write, uncompressed", "write", plain),
        ("write, zstd level 1", "write-zstd", plain), ("write, lz4", "write-lz4", plain),
    ]
    print(f"{'':30}{'pyarrow ms':>12}{'Fletch ms':>12}{'MB/s':>9}{'ratio':>8}")
    copied = opened = 0
    for title, operation, path in cases:
        paths = [path, out] if operation.startswith("write") else [path]
        times = {"pyarrow": [], "fletch": []}
        for round in range(arguments.rounds + 1):
            peer = pyarrow(operation, *paths)
            remove(out)
            ours = fletch(operation, *paths)
            check(operation, peer, ours, path, out)
            if round > 0:  # the first warms caches and heaps
                times["pyarrow"].append(peer["seconds"])
                times["fletch"].append(ours["seconds"])
            remove(out)
        peer_median, our_median = (statistics.median(times[name]) for name in ("pyarrow", "fletch"))
        print(f"{title:30}{peer_median * 1e3:12.2f}{our_median * 1e3:12.2f}{size / our_median / 1e6:9,.0f}"
              f"{peer_median / our_median:8.2f}")
        if operation == "map-sum":
            copied, opened = ours["copied"], (peer["open"], ours["open"])
    print(f"\nopening alone: pyarrow {opened[0] * 1e3:.2f} ms, Fletch {opened[1] * 1e3:.2f} ms")
    print(f"bytes copied per byte read, mapped: {copied / size:g}")


def remove(path):
    if os.path.exists(path):
        os.unlink(path)


def check(operation, peer, ours, path, out):
    """Answers must agree before they are worth timing."""
    if "sum" in peer and abs(peer["sum"] - ours["sum"]) > 1e-9 * abs(peer["sum"]):
        raise SystemExit(f"the sums differ: {peer['sum']} and {ours['sum']}")
    if "rows" in peer and peer["rows"] != ours["rows"]:
        raise SystemExit(f"the row counts differ: {peer['rows']} and {ours['rows']}")
    if operation.startswith("write"):
        written, source = (pa.ipc.open_file(pa.memory_map(name)) for name in (out, path))
        if written.schema != source.schema or not written.get_batch(0).equals(source.get_batch(0)):
            raise SystemExit("what Fletch wrote is not what was read")


if __name__ == "__main__":
    be_peer(int(sys.argv[2])) if sys.argv[1] == "--peer" else main()
