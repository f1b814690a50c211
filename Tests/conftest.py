"""Runs the programs under test: FLETCH_BIN names the folder that holds `fletch` and the programs of the tests."""
import json
import os
import pathlib
import subprocess

import pytest


class Programs:
    def __init__(self, folder):
        self.folder = folder

    def run(self, program, *args, stdin=None, code=0):
        """Runs one program and fails, with its stderr, unless it ends with that exit code (None: 0 or 1)."""
        command = [str(self.folder / program), *map(str, args)]
        done = subprocess.run(command, input=stdin, capture_output=True, timeout=60)
        expected = (0, 1) if code is None else (code,)
        if done.returncode not in expected:
            message = done.stderr.decode(errors="replace")[-2_000:]
            how = f"was ended by signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"
            pytest.fail(f"{program} {' '.join(command[1:])}: {how}, expected {code}\n{message}", pytrace=False)
        return done

    def fletch(self, *args, **options):
        return self.run("fletch", *args, **options)

    def oracle(self, *args, **options):
        return self.run("fletch-oracle", *args, **options)

    def convert(self, source, target, form="file", codec="none", *more):
        self.fletch("convert", source, target, "--to", form, "--codec", codec, *more)
        return target

    def cat(self, path, *more):
        return self.fletch("cat", path, *more).stdout.decode()

    def inspect(self, path):
        return json.loads(self.fletch("inspect", path, "--json").stdout)

    def error(self, *args, stdin=None):
        """The stderr of a `fletch` command that must fail with exit code 1 and print nothing else."""
        done = self.fletch(*args, stdin=stdin, code=1)
        assert done.stdout == b""
        message = done.stderr.decode()
        assert message.strip(), "failed without a message"
        return message


@pytest.fixture(scope="session")
def programs():
    folder = os.environ.get("FLETCH_BIN")
    if not folder:
        pytest.fail("set FLETCH_BIN to the folder that holds `fletch` and the programs of the tests", pytrace=False)
    folder = pathlib.Path(folder).resolve()
    if not os.access(folder / "fletch", os.X_OK):
        pytest.fail(f"FLETCH_BIN={folder} has no executable `fletch`", pytrace=False)
    return Programs(folder)
