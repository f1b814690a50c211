"""Starts `fletch serve` for a test and stops it again."""
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import grpc


# Whether the programs are built with the address sanitizer, whose memory says nothing.
IS_SANITIZED = "FLETCH_SANITIZED" in os.environ


class Server:
    def __init__(self, process, addresses, log):
        self.process, self.addresses, self.log = process, addresses, log

    @property
    def uri(self):
        return self.addresses[0]

    @property
    def pid(self):
        return self.process.pid

    def host_and_port(self):
        host, port = self.uri.split("://")[1].rsplit(":", 1)
        return host, int(port)

    def status_kib(self, name):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])

    def resident_kib(self):
        return self.status_kib("VmRSS")

    def own_kib(self):
        """Resident memory that is the process's own: without the pages of mapped files, which are the page cache's."""
        return self.status_kib("RssAnon")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def calls(self, method):
        """The log's records of a method's calls that have ended."""
        records = [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]
        return [record for record in records if record["method"].endswith("/" + method)]

    def stop(self, number=signal.SIGTERM):
        """Returns the exit code and what was logged."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        return code, self.log.read_text()


class Certificates:
    """An authority, a server's and a client's certificate, made by `scripts/make-certs`."""

    def __init__(self, folder):
        self.folder = folder
        script = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "make-certs"
        subprocess.run([script, folder], check=True, capture_output=True)

    def path(self, name):
        return self.folder / name

    def read(self, name):
        return self.path(name).read_bytes()

    def server_words(self, mutual):
        words = ["--tls-cert", self.path("server.pem"), "--tls-key", self.path("server.key")]
        return words + (["--tls-client-ca", self.path("ca.pem")] if mutual else [])

    def pyarrow(self, mutual):
        """What pyarrow's client is told of TLS."""
        trust = {"tls_root_certs": self.read("ca.pem")}
        identity = {"cert_chain": self.read("client.pem"), "private_key": self.read("client.key")}
        return {**trust, **(identity if mutual else {})}

    def grpcio(self, mutual):
        identity = (self.read("client.key"), self.read("client.pem")) if mutual else (None, None)
        return grpc.ssl_channel_credentials(self.read("ca.pem"), *identity)


class Relay:
    """Stands between one client and a server, counts what the server sends, and keeps what the client does."""

    def __init__(self, target, keeps=False):
        self.target, self.sent, self.received, self.keeps = target, 0, bytearray(), keeps
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(self.target)
        threading.Thread(target=self.copy, args=(client, server, False), daemon=True).start()
        self.copy(server, client, True)

    def copy(self, source, sink, is_answer):
        try:
            while block := source.recv(1 << 16):
                if is_answer:
                    self.sent += len(block)
                elif self.keeps:
                    self.received += block
                sink.sendall(block)
        except OSError:
            pass
        sink.close()


def wait_until(condition, seconds=10):
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


@contextlib.contextmanager
def serve(programs, tmp_path, *words, listen=("localhost:0",), quiet=True):
    ready = tmp_path / f"ready-{time.monotonic_ns()}"
    command = [programs.folder / "fletch", "serve", *map(str, words), "--ready-file", ready]
    for address in listen:
        command += ["--listen", address]
    if quiet:
        command.append("--quiet")
    log = tmp_path / f"{ready.name}.log"
    with open(log, "wb") as errors:
        process = subprocess.Popen(command, stderr=errors)
    if not wait_until(lambda: ready.exists() or process.poll() is not None, 20) or process.poll() is not None:
        process.kill()
        raise AssertionError(f"fletch serve did not start: {log.read_text()}")
    server = Server(process, ready.read_text().split(), log)
    try:
        yield server
    finally:
        code, errors = server.stop()
        assert code == 0, f"fletch serve ended with {code}: {errors[-4000:]}"
