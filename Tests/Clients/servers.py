"""Starts `fletch serve` for a test and stops it again."""
import contextlib
import os
import pathlib
import signal
import subprocess
import time


class Server:
    def __init__(self, process, addresses):
        self.process, self.addresses = process, addresses

    @property
    def uri(self):
        return self.addresses[0]

    @property
    def pid(self):
        return self.process.pid

    def resident_kib(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def stop(self, number=signal.SIGTERM):
        """Returns the exit code and what was logged."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors.decode()


@contextlib.contextmanager
def serve(programs, tmp_path, *words, listen=("localhost:0",), quiet=True):
    ready = tmp_path / f"ready-{time.monotonic_ns()}"
    command = [programs.folder / "fletch", "serve", *map(str, words), "--ready-file", ready]
    for address in listen:
        command += ["--listen", address]
    if quiet:
        command.append("--quiet")
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    end = time.monotonic() + 20
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise AssertionError(f"fletch serve did not start: {process.communicate()[1].decode()}")
        time.sleep(0.01)
    server = Server(process, ready.read_text().split())
    try:
        yield server
    finally:
        if process.poll() is None:
            code, errors = server.stop()
            assert code == 0, f"fletch serve ended with {code}: {errors[-2000:]}"
