"""The program as a person at a shell meets it: help, exit codes, pipes, progress, full disks and signals."""
import json
import os
import pty
import resource
import select
import signal
import subprocess
import time

import pyarrow as pa
import pytest

COMMANDS = ["serve", "query", "shell", "consume", "password", "sql", "publish", "tables", "compact", "inspect", "cat", "convert", "sample", "bench"]


def test_help_lists_every_command(programs):
    text = programs.fletch("--help").stdout.decode()
    assert all(f"  {command} " in text for command in COMMANDS)
    assert programs.fletch(code=2).stderr.decode() == text, "without arguments the help is an error"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command(programs, command):
    text = programs.fletch(command, "--help").stdout.decode()
    assert f"Usage: fletch {command}" in text and "--help" in text
    assert max(map(len, text.splitlines())) <= 110
    assert programs.fletch("help", command).stdout.decode() == text


@pytest.mark.parametrize("words, says", [
    (["frobnicate"], "frobnicate"),
    (["help", "frobnicate"], "frobnicate"),
    (["inspect"], "FILE"),
    (["inspect", "a", "b"], "'b'"),
    (["convert", "a"], "OUT"),
    (["convert", "a", "b", "--codec", "gzip"], "gzip"),
    (["convert", "a", "b", "--codec", "zstd", "--level", "23"], "1 to 22"),
    (["convert", "a", "b", "--level", "3"], "--codec"),
    (["convert", "a", "b", "--batch-rows", "none"], "none"),
    (["convert", "a", "b", "--memory-limit", "much"], "much"),
    (["cat", "a", "--limit"], "--limit"),
    (["cat", "a", "--frob"], "--frob"),
    (["sample", "--kind", "cats"], "people, readings, types"),
])
def test_wrong_usage_says_what_is_wrong(programs, words, says):
    done = programs.fletch(*words, code=2)
    assert says in done.stderr.decode() and done.stdout == b""


def test_everything_works_in_pipes(programs, tmp_path):
    stream = programs.fletch("sample", "--rows", "2500", "-o", "-").stdout
    file = programs.fletch("convert", "-", "-", "--to", "file", "--codec", "zstd", stdin=stream).stdout
    assert file[:6] == b"ARROW1"
    report = json.loads(programs.fletch("inspect", "-", "--json", stdin=file).stdout)
    assert (report["rows"], report["batches"], report["codec"]) == (2500, 3, "zstd")
    assert len(programs.fletch("cat", "-", stdin=file).stdout.splitlines()) == 2500


def test_a_reader_that_goes_away_is_no_error_message(programs, tmp_path):
    path = tmp_path / "a.feather"
    programs.fletch("sample", "--rows", "200000", "-o", path)
    shell = f"'{programs.folder}/fletch' cat '{path}' | head -n 2"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, timeout=60)
    assert len(done.stdout.splitlines()) == 2 and done.stderr == b""


def test_convert_onto_itself(programs, tmp_path):
    path = tmp_path / "a.feather"
    programs.fletch("sample", "--rows", "5000", "-o", path)
    before = programs.cat(path)
    programs.convert(path, path, "file", "zstd")
    assert programs.cat(path) == before and programs.inspect(path)["codec"] == "zstd"


def run_at_a_terminal(command):
    """Runs with a terminal as standard error and returns what was drawn on it."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stderr=theirs, stdout=subprocess.DEVNULL)
    os.close(theirs)
    drawn = b""
    while True:
        try:
            piece = os.read(ours, 4096) if select.select([ours], [], [], 60)[0] else b""
        except OSError:  # how Linux says that the other side is closed
            piece = b""
        if not piece:
            break
        drawn += piece
    os.close(ours)
    assert process.wait(60) == 0
    return drawn.decode()


def test_progress_is_drawn_on_a_terminal_only(programs, tmp_path):
    source, target = tmp_path / "a.feather", tmp_path / "b.feather"
    programs.fletch("sample", "--kind", "readings", "--rows", "2000000", "-o", source)
    command = [programs.folder / "fletch", "convert", source, target, "--codec", "zstd", "--level", "9"]
    drawn = run_at_a_terminal(command)
    assert "%" in drawn and "rows/s" in drawn and "2,000,000 rows" in drawn
    assert run_at_a_terminal([*command, "--quiet"]) == ""
    assert "%" not in programs.fletch("convert", source, target).stderr.decode()


def test_a_full_disk(programs, tmp_path):
    """The limit on a file's size stands in for a disk that fills: write fails in the middle."""
    target = tmp_path / "out.feather"
    target.write_text("what was there")

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    command = [programs.folder / "fletch", "sample", "--kind", "readings", "--rows", "1000000", "-o", target]
    done = subprocess.run(command, capture_output=True, preexec_fn=limit, timeout=60)
    assert done.returncode == 1 and b"out.feather" in done.stderr and b"File too large" in done.stderr
    assert os.listdir(tmp_path) == ["out.feather"] and target.read_text() == "what was there"


def test_standard_output_that_is_full(programs, tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run([programs.folder / "fletch", "sample", "-o", "-"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1 and b"No space left" in done.stderr
    target = tmp_path / "a.feather"
    programs.fletch("sample", "-o", target)
    with open("/dev/full", "w") as full:
        done = subprocess.run([programs.folder / "fletch", "inspect", target], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1 and b"No space left" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_convert_leaves_nothing(programs, tmp_path, number):
    target = tmp_path / "out.feather"
    process = subprocess.Popen([programs.folder / "fletch", "sample", "--kind", "readings", "--rows", "1000000000",
                                "--codec", "zstd", "-o", target], stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    process.send_signal(number)
    assert process.wait(60) == -number
    assert os.listdir(tmp_path) == []


def test_the_memory_limit(programs, tmp_path):
    path = tmp_path / "a.feather"
    programs.fletch("sample", "--kind", "readings", "--rows", "500000", "--batch-rows", "500000", "--codec", "zstd",
                    "-o", path)
    assert "memory limit" in programs.error("convert", path, tmp_path / "b", "--memory-limit", "1M")
    assert os.listdir(tmp_path) == ["a.feather"]
    programs.fletch("convert", path, tmp_path / "b", "--memory-limit", "64M")


def test_merging_counts_against_the_memory_limit(programs, tmp_path):
    path = tmp_path / "a.feather"
    programs.fletch("sample", "--kind", "readings", "--rows", "200000", "-o", path)
    message = programs.error("convert", path, tmp_path / "b", "--batch-rows", "200000", "--memory-limit", "4M")
    assert "memory limit" in message and os.listdir(tmp_path) == ["a.feather"]
    programs.fletch("convert", path, tmp_path / "b", "--batch-rows", "50000", "--memory-limit", "4M")


def test_text_is_no_arrow_data(programs, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id,name\n1,Alice\n")
    assert "no Arrow file, and no Arrow stream" in programs.error("cat", path)


def test_a_time_that_is_none_is_still_printed(programs, tmp_path):
    with pa.OSFile(str(tmp_path / "a"), "wb") as sink:
        column = pa.array([-1, 86_400_000_000], pa.int64()).cast(pa.time64("us"))
        with pa.ipc.new_file(sink, pa.schema([("t", column.type)])) as writer:
            writer.write_batch(pa.record_batch([column], names=["t"]))
    assert [json.loads(line)["t"] for line in programs.cat(tmp_path / "a").splitlines()] == \
        ["-00:00:00.000001", "24:00:00.000000"]


def test_inspect_tells_of_misalignment(programs, tmp_path):
    """pyarrow aligns to 8 bytes: that maps. A stream at an odd place in a file cannot be made by it, but by hand."""
    schema = pa.schema([("x", pa.int64())])
    with pa.OSFile(str(tmp_path / "a"), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        writer.write_batch(pa.record_batch([[1, 2, 3]], schema=schema))
    report = programs.inspect(tmp_path / "a")
    assert report["maps"] and report["alignment"] >= 8
    text = programs.fletch("inspect", tmp_path / "a", "--check").stdout.decode()
    assert "reading copies nothing" in text and "every value is valid" in text


def test_a_hundred_columns_and_no_rows(programs, tmp_path):
    schema = pa.schema([(f"c{i}", pa.int32()) for i in range(100)])
    with pa.OSFile(str(tmp_path / "a"), "wb") as sink, pa.ipc.new_file(sink, schema):
        pass
    report = programs.inspect(tmp_path / "a")
    assert (report["rows"], report["batches"], len(report["columns"])) == (0, 0, 100)
    assert programs.fletch("inspect", tmp_path / "a").stdout.decode().count("int32") == 100
    assert programs.cat(tmp_path / "a") == ""


def test_names_cannot_steer_the_terminal(programs, tmp_path):
    inner = pa.struct([("\x1b[2Jchild\n", pa.int8())])
    schema = pa.schema([("\x1b[31mred", inner)])
    with pa.OSFile(str(tmp_path / "a"), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        writer.write_batch(pa.record_batch([pa.array([None], inner)], schema=schema))
    text = programs.fletch("inspect", tmp_path / "a").stdout.decode()
    assert "\x1b" not in text and "[2Jchild" in text
    assert "\x1b" not in programs.error("inspect", "\x1b[2J")
