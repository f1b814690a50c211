"""`fletch shell` at a terminal of its own, and with statements from a pipe."""
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import fcntl
import time

import pytest

from servers import serve, wait_until
from test_client_commands import ENDLESS, is_idle

PROMPT = "fletch> "


@pytest.fixture(scope="module")
def server(programs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("served")
    programs.fletch("sample", "-o", folder / "people.feather")
    with serve(programs, folder, folder / "people.feather") as server:
        yield server


class Terminal:
    """A person at a terminal: types, and waits for what shows."""

    def __init__(self, programs, uri, state):
        self.main, other = pty.openpty()
        fcntl.ioctl(self.main, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        self.process = subprocess.Popen(
            [programs.folder / "fletch", "shell", uri], stdin=other, stdout=other, stderr=other,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
            env={**os.environ, "XDG_STATE_HOME": str(state), "TERM": "xterm"})
        os.close(other)
        self.shown = ""
        self.wait(PROMPT)

    def read(self, seconds):
        if select.select([self.main], [], [], seconds)[0]:
            try:
                self.shown += os.read(self.main, 65536).decode(errors="replace")
            except OSError:
                pass

    def wait(self, text, seconds=20):
        """Waits until a text shows, and returns all up to it."""
        end = time.monotonic() + seconds
        while text not in self.plain():
            assert time.monotonic() < end, f"{text!r} did not show:\n{self.plain()}"
            self.read(0.1)
        before, _, self.shown = self.plain().partition(text)
        return before

    def plain(self):
        return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", self.shown).replace("\r\n", "\n")

    def type(self, text):
        os.write(self.main, text.encode())

    def end(self):
        self.type("\x04")
        code = self.process.wait(timeout=20)
        os.close(self.main)
        return code


@pytest.fixture
def terminal(programs, server, tmp_path):
    terminal = Terminal(programs, server.uri, tmp_path)
    yield terminal
    if terminal.process.poll() is None:
        terminal.process.kill()


def test_statements_of_several_lines(terminal):
    terminal.type("SELECT name\r")
    terminal.wait("-> ")
    terminal.type("FROM people WHERE id = 1;\r")
    assert "Alice" in terminal.wait("(1 row)")
    assert terminal.end() == 0


def test_keys(terminal):
    # 'SELECT 42 …' typed with mistakes: words cut, characters put in at the start, the middle and the end.
    terminal.type("LECT 4 AS x nonsense")
    terminal.type("\x17")  # Ctrl-W
    terminal.type("\x1b[HSE")  # Home
    terminal.type("\x1b[1;5C\x1b[1;5C2")  # two words to the right
    terminal.type("\x1b[F;\r")  # End
    assert "42" in terminal.wait("(1 row)")
    terminal.type("SELECT 'zoë日本é\x7fè' AS word, 1;\x1b[D\x1b[D\x1b[D\x1b[3~2\r")
    shown = terminal.wait("(1 row)")
    assert "zoë日本è" in shown and "2" in shown
    terminal.type("nonsense\x15SELECT 7 AS seven -- rest\x01\x1b[1;5C\x1b[1;5C\x0b;\r")  # Ctrl-U, Ctrl-A, Ctrl-K
    assert " 7" in terminal.wait("(1 row)")
    assert terminal.end() == 0


def test_history_lasts_and_is_searched(programs, server, tmp_path):
    first = Terminal(programs, server.uri, tmp_path)
    first.type("SELECT 'needle' AS a;\r")
    first.wait("(1 row)")
    first.type("SELECT 'straw' AS b,\r1;\r")
    first.wait("(1 row)")
    assert first.end() == 0
    history = tmp_path / "fletch" / "history"
    assert history.read_text().splitlines() == ["SELECT 'needle' AS a;", "SELECT 'straw' AS b,\\n1;"]
    assert history.stat().st_mode & 0o077 == 0
    second = Terminal(programs, server.uri, tmp_path)
    second.type("\x1b[A\r")
    assert "straw" in second.wait("(1 row)")
    second.type("\x12needle\r")
    second.wait("(search)'needle'")
    assert "needle" in second.wait("(1 row)")
    assert second.end() == 0


def test_control_c_clears_or_cancels(terminal, server):
    terminal.type("SELECT nonsense\x03")
    terminal.wait("^C")
    terminal.wait(PROMPT)
    terminal.type(ENDLESS + ";\r")
    time.sleep(0.5)
    terminal.type("\x03")
    terminal.wait("interrupted")
    terminal.wait(PROMPT)
    assert wait_until(lambda: is_idle(server.pid), 20), "the server still works"
    terminal.type("SELECT 5 AS five;\r")
    assert " 5" in terminal.wait("(1 row)")
    assert terminal.end() == 0


def test_commands(terminal, tmp_path):
    terminal.type("\\d\r")
    assert "people" in terminal.wait(" row")
    terminal.type("\\d people\r")
    shown = terminal.wait("(6 rows)")
    assert "is_active" in shown and "struct<dept: utf8>" in shown
    terminal.type("\\timing\r")
    terminal.wait("Timing is on")
    terminal.type("SELECT 1 AS a;\r")
    terminal.wait("Time: ")
    terminal.type("\\x\r")
    terminal.wait("Expanded display is on")
    terminal.type("SELECT 1 AS a;\r")
    terminal.wait("a │ 1")
    terminal.type(f"\\format csv\r\\o {tmp_path}/out.csv\r")
    terminal.type("SELECT 3 AS three;\r\\o\r")
    terminal.wait("is written")
    assert (tmp_path / "out.csv").read_text().split() == ["three", "3"]
    (tmp_path / "more.sql").write_text("SELECT 8 AS\neight;\n\\q\n")
    terminal.type(f"\\i {tmp_path}/more.sql\r")
    terminal.wait("eight")
    assert terminal.process.wait(timeout=20) == 0


def test_errors_and_transactions(terminal):
    terminal.type("SELECT * FROM nowhere;\r")
    terminal.wait("NOT_FOUND: no such table: nowhere")
    terminal.type("CREATE TABLE t (a);\r")
    terminal.wait("done")
    terminal.type("BEGIN;\r")
    terminal.wait("done")
    terminal.type("INSERT INTO t VALUES (1), (2);\r")
    terminal.wait("2 rows changed")
    terminal.type("SELECT count(*) AS inside FROM t;\r")
    assert "2" in terminal.wait("(1 row)").split("inside")[-1]
    terminal.type("ROLLBACK;\r")
    terminal.wait("done")
    terminal.type("SELECT count(*) + 70 AS outside FROM t;\r")
    assert "70" in terminal.wait("(1 row)")
    terminal.type("DROP TABLE t;\r")
    terminal.wait("done")
    assert terminal.end() == 0


def test_a_signal_gives_the_terminal_back(terminal):
    before = termios.tcgetattr(terminal.main)
    assert not before[3] & termios.ECHO, "keys are read as they come"
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.process.wait(timeout=20) == 128 + signal.SIGTERM
    assert termios.tcgetattr(terminal.main)[3] & termios.ECHO


def test_a_pipe(programs, server):
    script = b"\\format csv\nSELECT id,\n name FROM people\nWHERE id < 3;\nBEGIN; ROLLBACK;\nSELECT 'a;b' AS t\n"
    done = programs.fletch("shell", server.uri, stdin=script)
    assert done.stdout.decode().split() == ["id,name", "1,Alice", "2,Bob", "t", "a;b"]
    done = programs.fletch("shell", server.uri, stdin=b"SELECT nix; SELECT 1;", code=1)
    assert done.stdout == b"" and b"no such column" in done.stderr
