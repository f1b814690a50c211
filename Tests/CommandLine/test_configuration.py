"""`fletch serve` told by options, environment and file: `--check`, and what is wrong."""
import os
import subprocess

import pytest


@pytest.fixture
def check(programs, tmp_path):
    def run(*words, text="", **environment):
        file = tmp_path / "fletch.yaml"
        file.write_text(text)
        command = [programs.folder / "fletch", "serve", "--check", "--config", file, *map(str, words)]
        return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)
    return run


def lines(done):
    assert done.returncode == 0, done.stderr
    return dict(line.split(":", 1) for line in done.stdout.splitlines() if not line.startswith("#"))


def test_where_values_are_from(check, tmp_path):
    found = lines(check("--batch-rows", "7", text="timeout: 5m\nbatch-rows: 9\n", FLETCH_MAX_STREAMS="12"))
    assert found["batch-rows"].split() == ["7", "#", "command", "line"]
    assert found["timeout"].split() == ["5m", "#", f"{tmp_path}/fletch.yaml:1"]
    assert found["max-streams"].split() == ["12", "#", "environment,", "FLETCH_MAX_STREAMS"]
    assert found["log"].split() == ["json", "#", "default"]
    assert lines(check("--no-watch"))["watch"].split()[0] == "false"


def test_every_fault_is_named(check, tmp_path):
    done = check("--max-streams", "0", text="listen: localhost:0\nbatch-row: 5\nread-only: maybe\n",
                 FLETCH_DRAIN="never")
    assert done.returncode == 2
    assert f"{tmp_path}/fletch.yaml:2: there is no setting 'batch-row'; 'batch-rows' is meant?" in done.stderr
    assert f"{tmp_path}/fletch.yaml:3: 'read-only' takes true or false" in done.stderr
    assert "FLETCH_DRAIN takes a time" in done.stderr
    assert "option '--max-streams' takes a whole number" in done.stderr
    done = check(text="a: [1\nb: 2")
    assert done.returncode == 2 and "fletch.yaml:2:" in done.stderr


def test_a_server_does_not_start_with_faults(programs, tmp_path):
    file = tmp_path / "f.yaml"
    file.write_text("nonsense: 1\n")
    done = programs.fletch("serve", "--config", file, "--listen", "localhost:0", code=2)
    assert f"{file}:1: there is no setting 'nonsense'" in done.stderr.decode()
    assert "cannot" in programs.error("serve", "--config", tmp_path / "missing.yaml")


def test_addresses_that_others_reach_need_a_reason(check):
    done = check(text="listen: [0.0.0.0:8815]")
    assert done.returncode == 2 and "--insecure" in done.stderr
    assert check("--insecure", text="listen: [0.0.0.0:8815]").returncode == 0
