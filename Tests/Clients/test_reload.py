"""A running server reads its users and certificates again: on SIGHUP, and when their files change."""
import os
import signal
import threading

import pytest
from pyarrow import flight

from servers import Certificates, serve, wait_until

LONG = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"


@pytest.fixture(scope="module")
def lines(programs):
    """A line of the file of users by name; hashing takes a while."""
    return {name: programs.fletch("password", name, stdin=password).stdout for name, password in (("ann", b"one\n"), ("bob", b"two\n"), ("eve", b"three\n"))}


@pytest.fixture(params=[True, False], ids=["watched", "signalled"])
def served(programs, tmp_path, lines, request):
    """A server of ann and bob, and how it is told that the file has changed."""
    users = tmp_path / "users.txt"
    users.write_bytes(lines["ann"] + lines["bob"])
    with serve(programs, tmp_path, "--users", users, *([] if request.param else ["--no-watch"])) as server:
        def write(content, said):
            before = server.log.read_text().count(said)
            (tmp_path / "next.txt").write_bytes(content)
            os.rename(tmp_path / "next.txt", users)
            if not request.param:
                server.process.send_signal(signal.SIGHUP)
            assert wait_until(lambda: server.log.read_text().count(said) > before), server.log.read_text()
        yield server, write


def enter(server, name, password):
    client = flight.connect(server.uri)
    return client, flight.FlightCallOptions(headers=[client.authenticate_basic_token(name, password)])


def test_users_come_and_go(served, lines):
    server, write = served
    (ann, as_ann), (bob, as_bob) = enter(server, "ann", "one"), enter(server, "bob", "two")
    ticket = bob.get_flight_info(flight.FlightDescriptor.for_command(b"SELECT 1 AS one"), as_bob).endpoints[0].ticket
    reader = bob.do_get(flight.Ticket(bob.get_flight_info(flight.FlightDescriptor.for_command(LONG.encode()), as_bob).endpoints[0].ticket.ticket), as_bob)
    assert reader.read_chunk().data.num_rows > 0
    write(lines["ann"] + lines["eve"], "gone: bob")
    # What bob reads ends, his token and password are good for nothing, and so it stays when he comes back.
    with pytest.raises(Exception, match="(?i)cancel"):
        while True:
            reader.read_chunk()
    with pytest.raises(flight.FlightUnauthenticatedError):
        bob.do_get(ticket, as_bob).read_all()
    with pytest.raises(flight.FlightUnauthenticatedError):
        enter(server, "bob", "two")
    assert enter(server, "eve", "three")[0]
    assert list(ann.list_flights(b"", as_ann)) == []
    write(lines["ann"] + lines["bob"], "gone: eve")
    with pytest.raises(flight.FlightUnauthenticatedError):
        bob.list_flights(b"", as_bob).__next__()
    bob, as_bob = enter(server, "bob", "two")
    with pytest.raises(Exception, match="no such result"):
        bob.do_get(ticket, as_bob).read_all()


def test_another_password_ends_tokens(programs, served, lines):
    server, write = served
    client, options = enter(server, "ann", "one")
    write(programs.fletch("password", "ann", stdin=b"four\n").stdout + lines["bob"], "2 users now")
    with pytest.raises(flight.FlightUnauthenticatedError):
        list(client.list_flights(b"", options))
    with pytest.raises(flight.FlightUnauthenticatedError):
        enter(server, "ann", "one")
    assert enter(server, "ann", "four")[0]


def test_a_broken_file_changes_nothing(served, lines):
    server, write = served
    client, options = enter(server, "ann", "one")
    write(lines["eve"] + b"# and\nann:nonsense\n", "the users stay as they were")
    assert "users.txt:3: no password hash" in server.log.read_text()
    assert list(client.list_flights(b"", options)) == []
    assert enter(server, "bob", "two")[0]
    with pytest.raises(flight.FlightUnauthenticatedError):
        enter(server, "eve", "three")
    write(lines["eve"], "there are 1 users now")
    assert enter(server, "eve", "three")[0]


def test_a_transaction_of_a_removed_user_is_rolled_back(served, lines):
    """Whoever waits to write goes on at once."""
    from sqlserver import run_update
    server, write = served
    (ann, as_ann), (bob, as_bob) = enter(server, "ann", "one"), enter(server, "bob", "two")
    run_update(ann, "CREATE TABLE kept (x)", options=as_ann)
    run_update(bob, "BEGIN", options=as_bob)
    run_update(bob, "INSERT INTO kept VALUES (1)", options=as_bob)
    done = []
    waiting = threading.Thread(target=lambda: done.append(run_update(ann, "INSERT INTO kept VALUES (2)", options=as_ann)))
    waiting.start()
    write(lines["ann"], "gone: bob")
    waiting.join(20)
    assert done == [1]
    assert ann.do_get(flight.Ticket(b"SELECT count(*) AS n, max(x + 0) AS x FROM kept"), as_ann).read_all().to_pylist() == [{"n": 1, "x": 2}]


def test_certificates_are_read_when_they_change(programs, tmp_path):
    old, new = Certificates(tmp_path / "old"), Certificates(tmp_path / "new")
    used = Certificates(tmp_path / "used")
    for name in ("server.pem", "server.key", "ca.pem"):
        used.path(name).write_bytes(old.read(name))
    with serve(programs, tmp_path, *used.server_words(mutual=False)) as server:
        uri = server.uri.replace("127.0.0.1", "localhost")
        assert list(flight.connect(uri, **old.pyarrow(False)).list_flights()) == []
        # The one without the other fits nothing, and the old ones stay.
        used.path("server.pem").write_bytes(new.read("server.pem"))
        assert wait_until(lambda: "the certificates stay as they were" in server.log.read_text())
        assert list(flight.connect(uri, **old.pyarrow(False)).list_flights()) == []
        used.path("server.key").write_bytes(new.read("server.key"))
        assert wait_until(lambda: "new connections get the certificates" in server.log.read_text())
        assert list(flight.connect(uri, **new.pyarrow(False)).list_flights()) == []
