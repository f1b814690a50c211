"""How far a query is that is polled: a share that only grows, whichever way the query takes, and a line at the terminal."""
import os
import pty
import re
import select
import subprocess

import pytest

from servers import serve
from sqlserver import Raw, raw_statement, update

ROWS = 3_000_000
# Slow for its rows, without any that are handed on before the end.
LIKES = " + ".join(f"sum((device || id) LIKE '%{i}%{i}%')" for i in range(4))
COLUMNS = {
    "aggregates": f"SELECT {LIKES} AS n FROM readings",
    "groups": f"SELECT region, {LIKES} AS n FROM readings GROUP BY region",
    "compound": f"SELECT {LIKES} AS n FROM readings WHERE id % 2 = 0 UNION ALL SELECT {LIKES} FROM readings WHERE id % 2 = 1",
}
PRINTF = "count(printf('%d %s %s', id, device, value))"
IN_SQLITE = {
    "scan": f"SELECT {PRINTF} AS n FROM readings",
    "inner": f"SELECT {PRINTF} AS n FROM readings JOIN (SELECT 1 AS one UNION ALL SELECT 2) ON one >= id % 2",
    "ordinary": f"SELECT {PRINTF} AS n FROM plain",
    "two": f"SELECT {PRINTF} AS n FROM readings UNION ALL SELECT {PRINTF} FROM readings",
}


@pytest.fixture(scope="module")
def server(programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("progress")
    programs.fletch("sample", "--kind", "readings", "--rows", ROWS, "-o", folder / "readings.feather")
    with serve(programs, folder, folder / "readings.feather", "--threads", 1) as server:
        update(server, "CREATE TABLE plain AS SELECT id, device, value FROM readings WHERE id % 2 = 0")
        yield server


def shares(server, sql):
    """What each poll said, the last without a successor."""
    with Raw(server) as raw:
        answer, seen = raw.poll(raw_statement(sql)), []
        while answer.HasField("flight_descriptor"):
            seen.append(answer.progress if answer.HasField("progress") else None)
            answer = raw.poll(answer.flight_descriptor)
        return seen, answer


@pytest.mark.parametrize("name, sql", [*COLUMNS.items(), *IN_SQLITE.items()], ids=[*COLUMNS, *IN_SQLITE])
def test_a_share_that_grows(server, name, sql):
    seen, last = shares(server, sql)
    print(name, seen)
    known = [share for share in seen if share is not None]
    assert known == sorted(known) and all(0 <= share < 1 for share in known)
    assert last.progress == 1.0
    # A machine that is so fast that it was asked once says nothing of growing.
    assert len(seen) < 3 or len(set(known)) > 1, seen
    # Nor may it be as good as done at once.
    assert len(seen) < 4 or known[len(known) // 3] < 0.9, seen


def test_nobody_knows_how_far_a_recursion_is(server):
    seen, _ = shares(server, "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 5000000) SELECT count(*) AS n FROM n")
    assert set(seen) <= {None}


def test_the_terminal_shows_it(programs, server):
    """`fletch query` with its result in a file and standard error on a terminal."""
    main, side = pty.openpty()
    process = subprocess.Popen([programs.folder / "fletch", "query", server.uri, COLUMNS["groups"]], stdout=subprocess.PIPE, stderr=side)
    os.close(side)
    shown = b""
    while True:
        ready, _, _ = select.select([main], [], [], 30)
        try:
            block = os.read(main, 4096) if ready else b""
        except OSError:
            break
        if not block:
            break
        shown += block
    out, _ = process.communicate(timeout=30)
    os.close(main)
    assert process.returncode == 0 and out.startswith(b"{")
    percents = [int(match) for match in re.findall(rb"(\d+) %", shown)]
    assert percents == sorted(percents)
    assert b"running for" in shown or not percents
    assert shown == b"" or shown.endswith(b"\r"), "what is printed next begins on an empty line"
