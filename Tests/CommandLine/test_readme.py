"""Every example of the README that shows a command is run, and what it prints is what the README says."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
README = (TOP / "README.md").read_text()
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.S)


def examples():
    """Pairs of a command and the output that is shown for it."""
    for block in BLOCKS:
        for example in re.split(r"^\$ ", block, flags=re.M)[1:]:
            command, _, output = example.partition("\n")
            yield command, output.strip()


def test_there_are_examples():
    assert len(list(examples())) >= 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """One folder for all of them: later examples use the files of earlier ones."""
    folder = tmp_path_factory.mktemp("readme")
    for part in ("data", "sql"):
        shutil.copytree(TOP / part, folder / part)
    return folder


@pytest.mark.parametrize("command, shown", list(examples()))
def test_example(programs, folder, command, shown):
    path = f"{programs.folder}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], cwd=folder, env={**os.environ, "PATH": path},
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    # An ellipsis stands for anything.
    pattern = ".*".join(map(re.escape, shown.split("…")))
    assert re.fullmatch(pattern, (done.stdout + done.stderr).strip(), re.S), done.stdout + done.stderr


def test_the_served_examples(programs, folder):
    """The server of the README, at an address of its own, and every client that the README shows for it."""
    path = f"{programs.folder}:{os.environ['PATH']}"
    serve = re.search(r"^(fletch serve .*)$", README, re.M).group(1)
    ready = folder / "ready"
    command = f"exec {serve} --quiet --listen localhost:0 --ready-file {ready}"
    server = subprocess.Popen(["bash", "-c", command], cwd=folder, env={**os.environ, "PATH": path})
    try:
        while not ready.exists():
            assert server.poll() is None
            time.sleep(0.05)
        uri = ready.read_text().strip()
        programs_shown = re.findall(r"```python\n(.*?)```", README, re.S)
        assert len(programs_shown) >= 5
        for python in programs_shown:
            done = subprocess.run([sys.executable, "-c", python.replace("grpc://localhost:8815", uri)], cwd=folder,
                                  capture_output=True, text=True, timeout=60)
            assert done.returncode == 0 and "Alice" in done.stdout, done.stderr
        clients = re.findall(r"^(fletch .*grpc://localhost:8815.*)$", README, re.M)
        assert len(clients) >= 4
        for client in clients:
            subprocess.run(["bash", "-c", client.replace("grpc://localhost:8815", uri)], cwd=folder, check=True,
                           env={**os.environ, "PATH": path}, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
        curls = re.findall(r"^(printf (?:.*\\\n)*.*)\n# → (.*)$", README, re.M)
        assert len(curls) == 2
        for curl, shown in curls:
            done = subprocess.run(["bash", "-o", "pipefail", "-c", curl.replace("localhost:8815", uri.removeprefix("grpc://"))], check=True, capture_output=True, text=True, timeout=60)
            assert done.stdout.strip() == shown
    finally:
        server.terminate()
        assert server.wait(20) == 0


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (TOP / target).exists(), target


def test_commands_of_the_readme_exist(programs):
    for command in set(re.findall(r"`fletch ([a-z]+)", README)):
        programs.fletch(command, "--help")
