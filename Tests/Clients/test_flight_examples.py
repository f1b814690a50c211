"""The Flight Examples: their own programs against `fletch serve`, and what `fletch consume` does in their place."""
import pathlib
import re
import subprocess
import sys
import time

import pyarrow as pa
import pytest
from pyarrow import flight

from servers import Relay, serve

EXAMPLES = pathlib.Path(__file__).parent / "examples"


@pytest.fixture(scope="module")
def folder(programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("examples")
    programs.fletch("sample", "--rows", "10000", "-o", folder / "sql_data.feather")
    programs.fletch("sample", "--kind", "readings", "--rows", "4000000", "-o", folder / "readings.feather")
    return folder


@pytest.fixture(scope="module")
def server(programs, folder):
    with serve(programs, folder, folder, "--alias", "large_table=sql_data") as server:
        yield server


def example(name, *words):
    done = subprocess.run([sys.executable, EXAMPLES / name, *words], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def people(folder):
    return pa.ipc.open_file(str(folder / "sql_data.feather")).read_all()


def test_the_server_is_theirs(server, folder):
    """What their server answers: the flight, its descriptor, its ticket, rows and bytes, one endpoint."""
    with flight.connect(server.uri) as client:
        info, = client.list_flights(b"large_table")
        assert info.descriptor.path == [b"large_table"] and info.total_records == 10_000 and info.total_bytes > 0
        assert [endpoint.ticket.ticket for endpoint in info.endpoints] == [b"large_table_ticket"]
        assert client.do_get(info.endpoints[0].ticket).read_all().equals(people(folder))


def test_their_sequential_client(server, folder):
    text = example("consumes_file.py", server.uri, "0")
    rows = [int(n) for n in re.findall(r"^Processed batch \d+ \((\d+) rows\)$", text, re.M)]
    assert text.startswith("Schema:\nid: int64") and sum(rows) == 10_000
    assert text.count("Flow control: Pausing") == len(rows) // 2 > 1, "so many batches that flow control shows"
    for name in people(folder).schema.names:
        assert sum(map(int, re.findall(rf"^  {name}: (\d+) nulls$", text, re.M))) == people(folder)[name].null_count


def test_their_pipeline_client(server, folder):
    text = example("pipeline_parallelism.py", server.uri)
    assert re.search(r"Total pipeline time: \d+\.\d\d seconds\.\n$", text)
    nulls = sum(map(int, re.findall(r"'metadata': (\d+)", text)))
    assert nulls == people(folder)["metadata"].null_count
    text = example("pipeline_parallelism.py", server.uri, "filter")
    wanted = sum(person["age"] > 18 and person["city"] == "New York" for person in people(folder).to_pylist())
    assert sum(map(int, re.findall(r"^Batch \d+: \((\d+),", text, re.M))) == wanted > 0


def test_our_consumers_say_the_same(programs, server, folder):
    theirs, ours = example("pipeline_parallelism.py", server.uri, "filter"), programs.fletch(
        "consume", server.uri, "large_table", "--pipeline", "--filter").stdout.decode()
    assert re.findall(r"^Batch (\d+): \((\d+),", theirs, re.M) == re.findall(r"^Batch (\d+): (\d+) rows pass", ours, re.M)
    theirs, ours = example("consumes_file.py", server.uri, "0"), programs.fletch(
        "consume", server.uri, "large_table", "--sequential", "--pause", "0").stdout.decode()
    counted = re.findall(r"^Processed batch .*|^Flow control: .*", theirs, re.M)
    assert counted == re.findall(r"^Processed batch .*rows\)|^Flow control: .*", ours, re.M)


def test_the_server_stops_sending_while_the_client_pauses(programs, server):
    """Real flow control: in a pause the server sends nothing, though it has far more; after it, it goes on."""
    relay = Relay(server.host_and_port())
    pause = 1
    process = subprocess.Popen([programs.folder / "fletch", "consume", f"grpc://127.0.0.1:{relay.port}", "readings",
                                "--sequential", "--pause", str(pause)], stdout=subprocess.PIPE, text=True)
    try:
        sent = []
        for line in process.stdout:
            if line.startswith("Flow control: Pausing"):
                # What was under way has a moment to arrive.
                time.sleep(pause * 0.4)
                still = relay.sent
                time.sleep(pause * 0.4)
                assert relay.sent == still, "the server sends in a pause"
                sent.append(still)
                if len(sent) == 6:
                    break
        # Twelve batches of 4 MB are read, a window is on its way, of 230 MB in all.
        assert sent[0] < sent[-1] < 80 << 20 and sent[0] < 32 << 20
    finally:
        process.kill()
        process.wait()
