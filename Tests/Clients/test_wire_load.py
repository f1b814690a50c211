"""Much at once: large streams, many streams, clients that stop, deadlines, and connections by the ten thousand."""
import os
import shutil
import socket
import threading
import time

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import flight

from servers import serve, wait_until

MIB = 1 << 10  # in KiB, as /proc counts
# How long a client that stops does so; a minute by hand.
STOP_SECONDS = float(os.environ.get("FLETCH_STOP_SECONDS", "6"))
# Blocks that the allocator keeps for the next batch, and what threads and connections of a test leave behind.
KEPT_KIB = 192 * MIB


def connect(server, alone=False):
    """A client; one that is alone has a connection of its own, which pyarrow otherwise shares in a process."""
    return flight.connect(server.uri, generic_options=[("grpc.use_local_subchannel_pool", 1)] if alone else [])


def in_threads(count, work):
    """Runs `work(i)` on as many threads at once and fails with what the first of them raised."""
    failures = []

    def run(i):
        try:
            work(i)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


class Watch:
    """The most memory of its own that a server had while the block ran."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        self.before = self.most = self.server.own_kib()
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def look(self):
        while not self.is_over.wait(0.02):
            self.most = max(self.most, self.server.own_kib())

    def __exit__(self, *_):
        self.is_over.set()
        self.thread.join()
        self.grown = self.most - self.before


@pytest.fixture(scope="module")
def data(programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("load")
    programs.fletch("sample", "--kind", "readings", "--rows", "300000", "-o", folder / "readings.feather")
    # Decompressed for each call: what a stream holds is the server's own memory.
    programs.fletch("sample", "--kind", "readings", "--rows", "4000000", "--codec", "lz4", "-o", folder / "zipped.feather")
    return folder


def expected(data):
    return pa.ipc.open_file(pa.memory_map(str(data / "readings.feather"))).read_all()


def numbered_batches(count):
    """Batches of 8 MiB, no two alike."""
    base = np.arange(1 << 19, dtype=np.int64)
    steady = pa.array(base.astype(np.float64))
    for i in range(count):
        yield pa.record_batch([pa.array(base + i), steady], names=["number", "value"])


def test_a_gibibyte_in_both_directions(programs, tmp_path):
    """What goes up comes down, to the last value, and neither direction is ever in memory."""
    count, store = 128, tmp_path / "store"
    with serve(programs, tmp_path, "--database", store) as server, connect(server) as client:
        with Watch(server) as watch:
            batches = numbered_batches(count)
            first = next(batches)
            writer, _ = client.do_put(flight.FlightDescriptor.for_path("big"), first.schema)
            writer.write_batch(first)
            for batch in batches:
                writer.write_batch(batch)
            writer.close()
        assert watch.grown < KEPT_KIB
        info = client.get_flight_info(flight.FlightDescriptor.for_path("big"))
        assert info.total_records == count << 19 and info.total_bytes >= 1 << 30
        with Watch(server) as watch:
            batches, rows = numbered_batches(count), 0
            current = next(batches)
            for chunk in client.do_get(info.endpoints[0].ticket):
                start = rows % (1 << 19)
                assert start + chunk.data.num_rows <= 1 << 19
                assert chunk.data.equals(current.slice(start, chunk.data.num_rows))
                rows += chunk.data.num_rows
                if rows % (1 << 19) == 0 and rows < count << 19:
                    current = next(batches)
        assert rows == count << 19 and watch.grown < KEPT_KIB
    shutil.rmtree(store)


def test_ten_million_rows_one_and_none(programs, tmp_path):
    programs.fletch("sample", "--kind", "readings", "--rows", "10000000", "-o", tmp_path / "ten.feather")
    programs.fletch("sample", "--kind", "readings", "--rows", "1", "-o", tmp_path / "one.feather")
    schema = pa.ipc.open_file(str(tmp_path / "one.feather")).schema
    with serve(programs, tmp_path, tmp_path / "ten.feather", tmp_path / "one.feather", "--database", tmp_path / "s") as server:
        with connect(server) as client:
            source = pa.ipc.open_file(pa.memory_map(str(tmp_path / "ten.feather"))).read_all()
            assert client.do_get(flight.Ticket(b"ten")).read_all().equals(source)
            one = client.do_get(flight.Ticket(b"one")).read_all()
            assert one.num_rows == 1
            batches = {"ten": source.to_batches(), "one": one.to_batches(), "no_batch": [],
                       "no_row": [pa.RecordBatch.from_pylist([], schema)]}
            for name, sent in batches.items():
                writer, _ = client.do_put(flight.FlightDescriptor.for_path("put_" + name), schema)
                for batch in sent:
                    writer.write_batch(batch)
                writer.close()
                got = client.do_get(flight.Ticket(f"put_{name}".encode())).read_all()
                assert got.equals(pa.Table.from_batches(sent, schema)), name
    (tmp_path / "ten.feather").unlink()
    shutil.rmtree(tmp_path / "s")


@pytest.mark.parametrize("connections", [1, 200])
def test_two_hundred_streams_at_once(programs, data, tmp_path, connections):
    table, together = expected(data), threading.Barrier(200, timeout=60)
    with serve(programs, tmp_path, data / "readings.feather") as server, Watch(server) as watch:
        clients = [connect(server, alone=connections > 1) for _ in range(connections)]
        counts = []

        def get(i):
            reader = clients[i % connections].do_get(flight.Ticket(b"readings"))
            chunk, rows = reader.read_chunk(), 0
            # Nobody reads on before everybody has begun.
            if together.wait() == 0:
                counts.append(server.descriptors())
            while chunk is not None:
                assert pa.Table.from_batches([chunk.data]).equals(table.slice(rows, chunk.data.num_rows))
                rows += chunk.data.num_rows
                try:
                    chunk = reader.read_chunk()
                except StopIteration:
                    chunk = None
            assert rows == table.num_rows

        idle = server.descriptors()
        in_threads(200, get)
        assert counts[0] - idle >= connections or connections == 1
        for client in clients:
            client.close()
    assert watch.grown < KEPT_KIB + 200 * 4 * MIB


def seconds_of_a_full_read(server, alone=True):
    with connect(server, alone) as client:
        start, rows = time.monotonic(), 0
        for chunk in client.do_get(flight.Ticket(b"readings")):
            rows += chunk.data.num_rows
        assert rows == 300_000
        return time.monotonic() - start


def median_seconds(server, seconds, alone=True):
    times, end = [], time.monotonic() + seconds
    while len(times) < 15 or time.monotonic() < end:
        times.append(seconds_of_a_full_read(server, alone))
    return sorted(times)[len(times) // 2]


@pytest.mark.parametrize("alone", [True, False])
def test_readers_that_stop(programs, data, tmp_path, alone):
    """They hold what a stream may hold and no more, and whoever reads beside them, even on their connection, keeps its speed."""
    with serve(programs, tmp_path, data) as server:
        usual = median_seconds(server, 0)
        before = server.own_kib()
        clients = [connect(server, alone) for _ in range(10)]
        readers = [client.do_get(flight.Ticket(b"zipped")) for client in clients]
        for reader in readers:
            reader.read_chunk()
        beside = median_seconds(server, STOP_SECONDS, alone)
        stopped = server.own_kib() - before
        # A batch being sent, the watermark, and what HTTP/2 has in hand: of each stream.
        assert stopped < KEPT_KIB + 10 * 16 * MIB
        again = median_seconds(server, STOP_SECONDS / 2, alone)
        assert server.own_kib() - before < stopped + 32 * MIB, "a reader that stops for longer costs no more"
        assert min(beside, again) < 3 * usual + 0.05
        # The stopped ones lost nothing.
        assert 65_536 + sum(chunk.data.num_rows for chunk in readers[0]) == 4_000_000
        for reader in readers[1:]:
            reader.cancel()
        # A connection lasts as long as a stream on it has somebody.
        del reader, readers
        for client in clients:
            client.close()


def test_uploads_that_stop(programs, data, tmp_path):
    table = expected(data)
    with serve(programs, tmp_path, data / "readings.feather", "--database", tmp_path / "database") as server:
        usual = median_seconds(server, 0)
        before = server.own_kib()
        clients = [connect(server, alone=True) for _ in range(10)]
        writers = []
        for i, client in enumerate(clients):
            writer, _ = client.do_put(flight.FlightDescriptor.for_path(f"slow{i}"), table.schema)
            writer.write_batch(table.to_batches()[0])
            writers.append(writer)
        beside = median_seconds(server, STOP_SECONDS)
        assert server.own_kib() - before < KEPT_KIB + 10 * 16 * MIB
        assert beside < 3 * usual + 0.05
        for writer in writers:
            for batch in table.to_batches()[1:]:
                writer.write_batch(batch)
            writer.close()
        for i, client in enumerate(clients):
            assert client.do_get(flight.Ticket(f"slow{i}".encode())).read_all().equals(table)
            client.close()


def test_a_deadline_in_the_middle(programs, data, tmp_path):
    """The client stops reading; at its deadline the server's call ends too, soon, and holds nothing."""
    with serve(programs, tmp_path, data, quiet=False) as server:
        idle = server.descriptors()
        for _ in range(3):
            with connect(server, alone=True) as client:
                reader = client.do_get(flight.Ticket(b"zipped"), flight.FlightCallOptions(timeout=0.5))
                reader.read_chunk()
                time.sleep(0.8)
                with pytest.raises(flight.FlightTimedOutError):
                    for _ in reader:
                        pass
                del reader
        assert wait_until(lambda: len(server.calls("DoGet")) == 3)
        for call in server.calls("DoGet"):
            assert call["status"] in ("DEADLINE_EXCEEDED", "CANCELLED") and 400 < call["ms"] < 1500
        assert wait_until(lambda: server.descriptors() <= idle)


def test_ten_thousand_connections(programs, data, tmp_path):
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0"
    with serve(programs, tmp_path, data / "readings.feather") as server:
        host, port = server.host_and_port()

        def open_and_close(count):
            def some(_):
                for i in range(count // 4):
                    with socket.create_connection((host, port), timeout=10) as connection:
                        connection.sendall(preface)
                        # Some wait for the server's settings, some leave at once.
                        if i % 8 == 0:
                            assert connection.recv(9)
            in_threads(4, some)

        open_and_close(1000)
        seconds_of_a_full_read(server)
        assert wait_until(lambda: server.descriptors() < 40)
        descriptors, own = server.descriptors(), server.own_kib()
        open_and_close(10_000)
        assert wait_until(lambda: server.descriptors() <= descriptors)
        seconds_of_a_full_read(server)
        assert server.own_kib() < own + 16 * MIB
