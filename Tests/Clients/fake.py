"""Starts `fletch-flightsql-fake` for a test and stops it again."""
import contextlib
import subprocess


@contextlib.contextmanager
def serve_fake(programs, address="localhost:0"):
    process = subprocess.Popen(
        [programs.folder / "fletch-flightsql-fake", "serve", address], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    uri = process.stdout.readline().decode().strip()
    assert uri, "fletch-flightsql-fake did not start"
    try:
        yield uri
    finally:
        process.stdin.close()
        assert process.wait(timeout=30) == 0
        process.stdout.close()
