"""`fletch query`, `consume` and `publish --to` against `fletch serve`."""
import json
import signal
import subprocess
import time

import pyarrow as pa
import pyarrow.feather as feather
import pytest

from servers import serve, wait_until

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"


@pytest.fixture(scope="module")
def server(programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    programs.fletch("sample", "-o", folder / "people.feather")
    with serve(programs, folder, folder / "people.feather", "--alias", "feather_table=people") as server:
        server.file = folder / "people.feather"
        yield server


@pytest.fixture
def query(programs, server):
    def run(*words, **options):
        output = programs.fletch("query", server.uri, *words, **options).stdout.decode()
        return [json.loads(line) for line in output.splitlines()]
    return run


def test_rows_and_parameters(query):
    assert query("SELECT id, name FROM people WHERE age > 24 ORDER BY id") == [
        {"id": 1, "name": "Alice"}, {"id": 3, "name": "Charlie"}]
    assert query("SELECT name FROM people WHERE city = :city AND age > ?", "-p", "20", "-p", "city=New York") == [
        {"name": "Alice"}, {"name": "Daniel"}]
    assert query("SELECT 1 AS a; SELECT 2 AS b") == [{"a": 1}, {"b": 2}]
    assert query("-f", "-", stdin=b"SELECT count(*) AS n FROM people") == [{"n": 5}]


def test_forms_and_files(programs, server, query, tmp_path):
    statement = "SELECT * FROM people ORDER BY id"
    programs.fletch("query", server.uri, statement, "-o", tmp_path / "a.feather")
    assert feather.read_table(tmp_path / "a.feather").to_pylist() == feather.read_table(server.file).to_pylist()
    stream = programs.fletch("query", server.uri, statement, "--format", "arrow").stdout
    assert pa.ipc.open_stream(stream).read_all().num_rows == 5
    printed = programs.fletch("query", server.uri, "SELECT id FROM people LIMIT 1", "--format", "table").stdout
    assert printed.decode() == " id\n────\n  1\n(1 row)\n"
    assert "no such column" in programs.error("query", server.uri, "SELECT x FROM people", "-o", tmp_path / "b.feather")
    assert not (tmp_path / "b.feather").exists()


def test_updates_are_counted_and_run_once(programs, server, query):
    script = "CREATE TABLE counted (n INTEGER); INSERT INTO counted VALUES (1), (2); INSERT INTO counted VALUES (3) RETURNING n"
    done = programs.fletch("query", server.uri, script)
    assert json.loads(done.stdout) == {"n": 3}
    assert "2 rows changed" in done.stderr.decode()
    done = programs.fletch("query", server.uri, "UPDATE counted SET n = n + ?", "-p", "10")
    assert done.stderr.decode() == "3 rows changed\n"
    assert query("SELECT count(*) AS c, sum(n) AS s FROM counted") == [{"c": 3, "s": 36}]


def test_errors_say_why(programs, server):
    assert "NOT_FOUND: no such table: nowhere" in programs.error("query", server.uri, "SELECT * FROM nowhere")
    assert "parameter" in programs.fletch("query", server.uri, "SELECT ?", code=1).stderr.decode()
    assert "no session option" in programs.error("query", server.uri, "SELECT 1", "--session", "nonsense=1")
    assert "UNAVAILABLE" in programs.error("query", "grpc://localhost:1", "SELECT 1")
    assert programs.fletch("query", server.uri, "SELECT 1", "SELECT 2", code=2)
    began = time.monotonic()
    assert "DEADLINE_EXCEEDED" in programs.error("query", server.uri, ENDLESS, "--timeout", "0.3")
    assert time.monotonic() - began < 20


def processor_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def is_idle(pid):
    before = processor_seconds(pid)
    time.sleep(0.3)
    return processor_seconds(pid) - before < 0.1


def test_an_interrupt_stops_the_statement_at_the_server(programs, server):
    process = subprocess.Popen(
        [programs.folder / "fletch", "query", server.uri, ENDLESS], stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    before = processor_seconds(server.pid)
    assert wait_until(lambda: processor_seconds(server.pid) > before + 0.2, 30)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == 130 and b"interrupted" in errors
    assert wait_until(lambda: is_idle(server.pid), 20), "the server still works"


def test_consume_runs_every_statement(programs, server, tmp_path):
    (tmp_path / "a.sql").write_text("-- two\nSELECT count(*) AS n FROM feather_table;\nSELECT nix FROM feather_table;")
    (tmp_path / "b.sql").write_text("SELECT name FROM feather_table WHERE id > 100")
    (tmp_path / "note.txt").write_text("not SQL")
    done = programs.fletch("consume", server.uri, tmp_path, code=1)
    output = done.stdout.decode()
    assert " n\n───\n 5\n(1 row)" in output
    assert ": no such column: nix" in output
    assert output.rstrip().endswith("Empty result set.")
    assert "1 statement failed" in done.stderr.decode()
    assert programs.fletch("consume", server.uri, tmp_path / "b.sql").stdout.decode().count("Empty result set.") == 1


def test_consume_runs_the_files_of_the_project(programs, server):
    import pathlib
    top = pathlib.Path(__file__).resolve().parents[2]
    output = programs.fletch("consume", server.uri, top / "sql").stdout.decode()
    assert "Alice" in output and "total_count" in output and "Error" not in output


def test_publish_to_a_server(programs, server, query, tmp_path):
    def publish(*words, **options):
        return programs.fletch("publish", *words, "--to", server.uri, "--table", "loaded", **options)
    done = publish(server.file)
    assert "loaded: 5 rows" in done.stderr.decode()
    assert "use --append or --replace" in publish(server.file, code=1).stderr.decode()
    publish(server.file, server.file, "--append", "--quiet")
    assert query("SELECT count(*) AS n FROM loaded") == [{"n": 15}]
    publish(server.file, "--replace")
    assert query("SELECT count(*) AS n FROM loaded") == [{"n": 5}]
    # All of them or none.
    other = tmp_path / "other.feather"
    feather.write_feather(pa.table({"x": [1]}), str(other))
    assert "other columns" in publish(server.file, other, "--append", code=1).stderr.decode()
    assert query("SELECT count(*) AS n FROM loaded") == [{"n": 5}]
    stream = programs.fletch("convert", server.file, "-").stdout
    programs.fletch("publish", "-", "--to", server.uri, "-t", "piped", stdin=stream)
    assert query("SELECT max(age) AS age FROM piped") == [{"age": 30}]
