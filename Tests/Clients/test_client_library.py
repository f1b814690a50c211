"""The example of docs/clients.md: it is the program in Tests/ClientProgram, and that does what it says."""
import pathlib
import subprocess

from servers import serve

TOP = pathlib.Path(__file__).resolve().parent.parent.parent


def test_the_example_is_the_program():
    program = (TOP / "Tests" / "ClientProgram" / "main.swift").read_text().split("\n", 2)[2].strip()
    assert program in (TOP / "docs" / "clients.md").read_text()


def test_the_example_runs(programs, tmp_path):
    with serve(programs, tmp_path, TOP / "data" / "sql_data.feather") as server:
        done = subprocess.run([programs.folder / "fletch-client-example", server.uri], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["New York 3", "Chicago 1", "Los Angeles 1", "1 rows changed"]
