"""A database whose process is killed: what was acknowledged is there, nothing is half, no file is left over."""

import os
import pathlib
import random
import resource
import signal
import subprocess
import time

import pytest

PROGRAM = pathlib.Path(os.environ.get("FLETCH_BIN", ".build/release")) / "fletch-tables"
SECONDS = float(os.environ.get("FLETCH_CRASH_SECONDS", "12"))


def check(database):
    """The step that the database is at; fails when it is in none."""
    done = subprocess.run([PROGRAM, "crash", "--database", database, "--check", "1"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.split("state ")[1])


def numbers(text, word):
    return [int(line.split()[1]) for line in text.splitlines() if line.startswith(word + " ") and len(line.split()) == 2]


def test_killed_at_random(tmp_path):
    database = str(tmp_path / "db")
    seed = int(os.environ.get("FLETCH_SEED", random.randrange(1 << 30)))
    print("FLETCH_SEED =", seed)
    chance = random.Random(seed)
    end = time.monotonic() + SECONDS
    kills = 0
    # What is acknowledged, and what may be there although it was not.
    state = possible = 0
    while time.monotonic() < end or kills < 20:
        with subprocess.Popen([PROGRAM, "crash", "--database", database], stdout=subprocess.PIPE) as worker:
            # Some are killed while they open the database, most while they work on it.
            first = worker.stdout.readline() if chance.random() < 0.85 else b""
            time.sleep(chance.random() ** 2 * 0.08)
            worker.send_signal(signal.SIGKILL)
            said = (first + worker.stdout.read()).decode()
        kills += 1
        done = max(numbers(said, "done"), default=state)
        begun = max(numbers(said, "begin"), default=possible)
        # Only the next process that opens it looks; every fifth time it is another killed one.
        if chance.random() < 0.8:
            state = possible = check(database)
            assert done <= state <= max(begun, done), f"acknowledged {done}, begun {begun}, but found {state} after {kills} kills"
        else:
            state, possible = done, max(begun, done)
    print(kills, "kills,", state, "steps")


@pytest.mark.parametrize("limit", [20_000, 60_000, 120_000, 400_000])
def test_files_that_cannot_grow(tmp_path, limit):
    """A write that fails in the middle (RLIMIT_FSIZE stands for a full disk) is a clean error, and everything acknowledged stays."""
    database = str(tmp_path / "db")

    def limited():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))

    worker = subprocess.run(
        [PROGRAM, "crash", "--database", database, "--steps", "400"], capture_output=True, text=True, timeout=60, preexec_fn=limited
    )
    assert worker.returncode == 1, (worker.returncode, worker.stderr)
    assert "fletch-tables: " in worker.stderr
    done = max(numbers(worker.stdout, "done"), default=0)
    begun = max(numbers(worker.stdout, "begin"), default=0)
    assert done <= check(database) <= begun
    # Without the limit, work goes on where it was.
    again = subprocess.run([PROGRAM, "crash", "--database", database, "--steps", "5"], capture_output=True, text=True, timeout=60)
    assert again.returncode == 0, again.stderr
    assert check(database) >= done + 5
