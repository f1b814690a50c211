"""pyarrow's Flight client against `fletch serve`: every call, every type, both directions."""
import json
import signal
import subprocess
import sys
import threading
import time

import pyarrow as pa
import pytest
from pyarrow import flight

from servers import serve


@pytest.fixture(scope="module")
def data(programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    programs.fletch("sample", "--rows", "5000", "-o", folder / "people.feather")
    programs.fletch("sample", "--kind", "readings", "--rows", "300000", "-o", folder / "readings.feather")
    programs.fletch("sample", "--kind", "types", "--rows", "500", "-o", folder / "types.feather")
    programs.fletch("sample", "--kind", "readings", "--rows", "50000", "--codec", "zstd", "-o", folder / "zipped.arrow")
    parts = folder / "parts"
    parts.mkdir()
    for i in range(3):
        programs.fletch("sample", "--rows", "100", "--seed", i, "-o", parts / f"{i}.feather")
    with pa.OSFile(str(folder / "empty.feather"), "wb") as sink, pa.ipc.new_file(sink, pa.schema([("x", pa.int32())])):
        pass
    return folder


@pytest.fixture(scope="module")
def server(programs, data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with serve(programs, folder, data, "--alias", "large_table=people", "--database", folder / "database") as server:
        yield server


@pytest.fixture
def client(server):
    with flight.connect(server.uri) as client:
        yield client


def table_of(data, name):
    return pa.ipc.open_file(pa.memory_map(str(data / name))).read_all()


def same(left, right):
    """Equality to the last bit: NaN and all, by way of IPC."""
    def written(table):
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table.combine_chunks())
        return sink.getvalue()
    return left.schema.equals(right.schema, check_metadata=True) and written(left).equals(written(right))


def test_flights_are_listed(client):
    flights = {info.descriptor.path[0].decode(): info for info in client.list_flights()}
    assert set(flights) == {"large_table", "readings", "types", "zipped", "parts", "empty"}
    assert flights["readings"].total_records == 300_000 and flights["readings"].total_bytes > 10_000_000
    assert [info.descriptor.path[0] for info in client.list_flights(b"read")] == [b"readings"]


@pytest.mark.parametrize("name, file", [("people", "people.feather"), ("readings", "readings.feather"),
                                        ("zipped", "zipped.arrow"), ("empty", "empty.feather")])
def test_a_flight_has_the_files_schema_and_rows(client, data, name, file):
    expected = table_of(data, file)
    info = client.get_flight_info(flight.FlightDescriptor.for_path(name))
    assert info.schema.equals(expected.schema, check_metadata=True)
    assert info.total_records == expected.num_rows and len(info.endpoints) == 1 and info.endpoints[0].locations == []
    assert client.get_schema(flight.FlightDescriptor.for_path(name)).schema.equals(expected.schema)
    got = client.do_get(info.endpoints[0].ticket).read_all()
    got.validate(full=True)
    assert got.equals(expected)


def test_every_type(client, data):
    reader = client.do_get(flight.Ticket(b"types_ticket"))
    rows = 0
    for chunk in reader:
        chunk.data.validate(full=True)
        rows += chunk.data.num_rows
    assert rows == 500 and reader.schema.equals(pa.ipc.open_file(str(data / "types.feather")).schema)


def test_messages_stay_below_four_mebibytes(client):
    sizes = [chunk.data.nbytes for chunk in client.do_get(flight.Ticket(b"readings"))]
    assert len(sizes) > 3 and max(sizes) < 4 << 20


def test_the_flight_examples_names(client, data):
    info = client.get_flight_info(flight.FlightDescriptor.for_path("large_table"))
    assert info.endpoints[0].ticket.ticket == b"large_table_ticket"
    assert client.do_get(flight.Ticket(b"large_table_ticket")).read_all().equals(table_of(data, "people.feather"))


def test_a_table_of_several_files_has_an_endpoint_for_each(client, data):
    info = client.get_flight_info(flight.FlightDescriptor.for_path("parts"))
    assert len(info.endpoints) == 3 and info.total_records == 300 and info.ordered
    parts = [client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints]
    for i, part in enumerate(parts):
        assert part.equals(table_of(data / "parts", f"{i}.feather"))
    assert client.do_get(flight.Ticket(b"parts")).read_all().num_rows == 300


@pytest.mark.parametrize("codec", ["zstd", "lz4", "zstd:9"])
def test_compression_when_asked_for(client, data, codec):
    options = flight.FlightCallOptions(headers=[(b"fletch-compression", codec.encode())])
    assert client.do_get(flight.Ticket(b"readings"), options).read_all().equals(table_of(data, "readings.feather"))
    wrong = flight.FlightCallOptions(headers=[(b"fletch-compression", b"gzip")])
    with pytest.raises(pa.ArrowInvalid, match="gzip"):
        client.do_get(flight.Ticket(b"readings"), wrong).read_all()


@pytest.mark.parametrize("ask, says", [
    (lambda c: c.get_flight_info(flight.FlightDescriptor.for_path("nothing")), "no flight 'nothing'"),
    (lambda c: c.do_get(flight.Ticket(b"nothing")).read_all(), "ticket 'nothing'"),
    (lambda c: c.do_get(flight.Ticket(b"parts_ticket/7")).read_all(), "no file 7"),
])
def test_what_is_not_there(client, ask, says):
    with pytest.raises(KeyError, match=says):
        ask(client)


def test_commands_are_sql(client):
    info = client.get_flight_info(flight.FlightDescriptor.for_command(b"SELECT count(*) AS n FROM readings"))
    assert client.do_get(info.endpoints[0].ticket).read_all().to_pydict() == {"n": [300_000]}
    assert client.do_get(flight.Ticket(b"SELECT 1 AS one")).read_all().to_pydict() == {"one": [1]}
    with pytest.raises(pa.ArrowInvalid, match="syntax error"):
        client.get_flight_info(flight.FlightDescriptor.for_command(b"SELEKT 1"))


def test_what_is_not_implemented_says_so(client):
    with pytest.raises(NotImplementedError, match="no action 'dance'"):
        list(client.do_action(flight.Action("dance", b"")))
    assert "BeginTransaction" in {action.type for action in client.list_actions()}
    with pytest.raises(NotImplementedError, match="handshake"):
        client.authenticate_basic_token("a", "b")


def test_uploads_come_back(client, data):
    for name, file in (("put_people", "people.feather"), ("put_readings", "readings.feather")):
        table = table_of(data, file)
        writer, reader = client.do_put(flight.FlightDescriptor.for_path(name), table.schema)
        writer.write_table(table)
        writer.done_writing()
        assert json.loads(reader.read().to_pybytes()) == {"rows": table.num_rows}
        writer.close()
        assert client.do_get(flight.Ticket(name.encode())).read_all().equals(table)


def test_an_upload_of_every_type(client, data):
    file = pa.ipc.open_file(pa.memory_map(str(data / "types.feather")))
    writer, _ = client.do_put(flight.FlightDescriptor.for_path("put_types"), file.schema)
    for i in range(file.num_record_batches):
        writer.write_batch(file.get_batch(i))
    writer.close()
    assert client.get_flight_info(flight.FlightDescriptor.for_path("put_types")).total_records == 500


def test_an_upload_that_breaks_off_changes_nothing(client, server, data):
    """The client is killed in the middle: nothing is stored, and the flight of that name stays what it was."""
    code = f"""
import os, signal, pyarrow as pa
from pyarrow import flight
table = pa.ipc.open_file(pa.memory_map({str(data / "readings.feather")!r})).read_all()
client = flight.connect({server.uri!r})
writer, _ = client.do_put(flight.FlightDescriptor.for_path("broken"), table.schema)
for batch in table.to_batches()[:3]:
    writer.write_batch(batch)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == -signal.SIGKILL
    time.sleep(0.2)
    with pytest.raises(KeyError):
        client.get_flight_info(flight.FlightDescriptor.for_path("broken"))


def test_a_server_that_is_read_only_takes_nothing(programs, data, tmp_path):
    with serve(programs, tmp_path, data / "people.feather", "--read-only") as server, flight.connect(server.uri) as client:
        writer, _ = client.do_put(flight.FlightDescriptor.for_path("x"), pa.schema([("x", pa.int32())]))
        with pytest.raises(pa.ArrowException, match="readonly"):
            writer.close()


def test_many_streams_at_once(server, data):
    expected = table_of(data, "readings.feather")
    failures = []

    def get(client):
        try:
            assert client.do_get(flight.Ticket(b"readings")).read_all().num_rows == expected.num_rows
        except Exception as error:
            failures.append(error)

    with flight.connect(server.uri) as client:
        threads = [threading.Thread(target=get, args=(client,)) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert failures == []


def test_a_reader_that_stops_does_not_fill_the_server(programs, tmp_path):
    path = tmp_path / "big.feather"
    programs.fletch("sample", "--kind", "readings", "--rows", "4000000", "--codec", "zstd", "-o", path)
    with serve(programs, tmp_path, path) as server, flight.connect(server.uri) as slow:
        before = server.resident_kib()
        reader = slow.do_get(flight.Ticket(b"big"))
        reader.read_chunk()
        time.sleep(2)
        assert server.resident_kib() - before < 200_000
        with flight.connect(server.uri) as fast:
            assert fast.do_get(flight.Ticket(b"big")).read_all().num_rows == 4_000_000
        reader.cancel()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_server_drains(programs, data, tmp_path, number):
    with serve(programs, tmp_path, data, "--drain", "5") as server:
        with flight.connect(server.uri) as client:
            reader = client.do_get(flight.Ticket(b"readings"))
            rows = reader.read_chunk().data.num_rows
            server.process.send_signal(number)
            time.sleep(0.2)
            assert rows + sum(chunk.data.num_rows for chunk in reader) == 300_000
        assert server.stop()[0] == 0


def test_a_unix_socket(programs, data, tmp_path):
    path = tmp_path / "fletch.sock"
    with serve(programs, tmp_path, data, listen=[f"unix:{path}", "localhost:0"]) as server:
        with flight.connect(f"grpc+unix://{path}") as client:
            assert client.do_get(flight.Ticket(b"people")).read_all().num_rows == 5000
        assert len(server.addresses) == 2


def test_the_programs_own_client(programs, server, data, tmp_path):
    assert "readings" in programs.fletch("list", server.uri).stdout.decode()
    programs.fletch("get", server.uri, "readings", "-o", tmp_path / "r.feather")
    assert table_of(tmp_path, "r.feather").equals(table_of(data, "readings.feather"))
    programs.fletch("get", server.uri, "types", "-o", tmp_path / "t.feather", "--compression", "zstd")
    assert programs.cat(tmp_path / "t.feather") == programs.cat(data / "types.feather")
    programs.fletch("put", server.uri, "own", data / "types.feather")
    programs.fletch("get", server.uri, "own", "-o", tmp_path / "own.feather")
    assert programs.cat(tmp_path / "own.feather") == programs.cat(data / "types.feather")
    assert "no flight 'nothing'" in programs.error("get", server.uri, "nothing", "-o", tmp_path / "n")
    assert "localhost:1" in programs.error("list", "grpc://localhost:1")


def test_the_consumers(programs, server):
    text = programs.fletch("consume", server.uri, "parts", "--pause", "0").stdout.decode()
    assert text.startswith("Schema:\n  id: int64\n") and "Processed batch 3 (100 rows)" in text
    assert text.count("Flow control: Pausing to clear downstream resources...") == 1
    text = programs.fletch("consume", server.uri, "large_table", "--pipeline").stdout.decode()
    assert text.count("nulls: id: 0") == 5 and "Total pipeline time: " in text and text.endswith(" seconds.\n")
    text = programs.fletch("consume", server.uri, "large_table", "--pipeline", "--filter").stdout.decode()
    assert "rows pass the filter" in text


def test_exposure_must_be_meant(programs, data):
    done = programs.fletch("serve", data, "--listen", "0.0.0.0:0", code=2)
    assert "--insecure" in done.stderr.decode()


def test_a_server_that_cannot_start_says_why(programs, data, tmp_path):
    assert "nothing.feather" in programs.error("serve", tmp_path / "nothing.feather")
    assert "people" in programs.error("serve", data / "people.feather", data / "people.feather")
    with serve(programs, tmp_path, data) as server:
        port = server.uri.rsplit(":", 1)[1]
        assert port in programs.error("serve", data, "--listen", f"localhost:{port}")


@pytest.mark.parametrize("mutual", [False, True])
def test_tls(programs, data, tmp_path, certificates, mutual):
    with serve(programs, tmp_path, data, *certificates.server_words(mutual)) as server:
        assert server.uri.startswith("grpc+tls://")
        uri = f"grpc+tls://localhost:{server.uri.rsplit(':', 1)[1]}"
        with flight.connect(uri, **certificates.pyarrow(mutual)) as client:
            assert client.do_get(flight.Ticket(b"readings")).read_all().num_rows == 300_000
        with pytest.raises(flight.FlightUnavailableError), flight.connect(uri) as client:
            list(client.list_flights())
        if mutual:
            with pytest.raises(flight.FlightUnavailableError), flight.connect(uri, **certificates.pyarrow(False)) as client:
                list(client.list_flights())
        own = ["--tls-ca", certificates.path("ca.pem")]
        if mutual:
            own += ["--tls-cert", certificates.path("client.pem"), "--tls-key", certificates.path("client.key")]
        assert "readings" in programs.fletch("list", uri, *own).stdout.decode()
        assert "certificate" in programs.error("list", uri).lower()


def test_a_failed_handshake_ends_the_client_cleanly(programs, data, tmp_path, certificates):
    """OpenSSL's exit handler once freed what a connection's thread still used: now and then, a crash at exit."""
    with serve(programs, tmp_path, data / "people.feather", *certificates.server_words(False)) as server:
        for _ in range(40):
            programs.error("list", server.uri)
