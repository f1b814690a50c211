"""What waits for clients that do not come: there is an end to it, and who comes gets room or a clear refusal."""
import time

import pyarrow as pa
import pytest
from pyarrow import flight

import flightsql_proto as proto
from servers import IS_SANITIZED
from sqlserver import Raw, act, ask, put, command, prepare, raw_statement, serve_sql, statement, update

# About 8 MB of rows: 8 bytes each, and no bytes of files among them.
EIGHT = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000000) SELECT x FROM n"
MANY = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 6000000) SELECT x FROM n"
PARTS = flight.FlightCallOptions(headers=[(b"fletch-partitions", b"4")])


@pytest.fixture
def server(programs, tmp_path):
    with serve_sql(programs, tmp_path, "--max-kept", "64M", "--max-kept-result", "16M", "--max-statements", 8) as server:
        yield server


def kept_mib(server):
    return server.own_kib() / 1024


@pytest.mark.skipif(IS_SANITIZED, reason="the sanitizer's memory says nothing")
def test_parts_that_nobody_reads(server):
    """A hundred results of 8 MB: eight have room, those that come later are refused until the first have waited a while."""
    refused, infos = 0, []
    with flight.connect(server.uri) as client:
        for _ in range(12):
            try:
                infos.append(client.get_flight_info(statement(EIGHT), PARTS))
            except pa.ArrowException as error:
                assert "max-kept" in str(error)
                refused += 1
        assert len(infos) >= 7 and refused > 0
        assert kept_mib(server) < 64 + 200
        # Those that were told of are there, all of them that are not so old that they made room.
        last = pa.concat_tables([client.do_get(endpoint.ticket).read_all() for endpoint in infos[-1].endpoints])
        assert last.column("x").to_pylist() == list(range(1, 1_000_001))
        # What was read makes room for the next at once.
        info = client.get_flight_info(statement(EIGHT), PARTS)
        assert sum(client.do_get(endpoint.ticket).read_all().num_rows for endpoint in info.endpoints) == 1_000_000
        # And what has waited for ten seconds does, too: as many as there is room for, without a refusal.
        time.sleep(10.5)
        for _ in range(7):
            newest = client.get_flight_info(statement(EIGHT), PARTS)
        assert sum(client.do_get(endpoint.ticket).read_all().num_rows for endpoint in newest.endpoints) == 1_000_000
        with pytest.raises(Exception, match="made room"):
            client.do_get(infos[0].endpoints[0].ticket).read_all()


def test_a_result_larger_than_is_kept(server):
    with flight.connect(server.uri) as client:
        with pytest.raises(pa.ArrowException, match="max-kept-result"):
            client.get_flight_info(statement(MANY), PARTS)
        # In one part it is not kept at all.
        assert sum(chunk.data.num_rows for chunk in client.do_get(client.get_flight_info(statement(EIGHT)).endpoints[0].ticket)) == 1_000_000


def poll_to_its_end(raw, sql):
    answer = raw.poll(raw_statement(sql))
    while answer.HasField("flight_descriptor"):
        answer = raw.poll(answer.flight_descriptor)
    return answer.info


def test_polled_queries_that_nobody_reads(server):
    """More than there are places to run: each stops when enough is kept, and gives its place back when its reader does not come."""
    with Raw(server) as raw:
        infos = [poll_to_its_end(raw, MANY) for _ in range(6)]
        assert kept_mib(server) < 64 + 300
        started = time.monotonic()
        infos += [poll_to_its_end(raw, MANY) for _ in range(6)]
        assert ask(server, "SELECT 1") == [(1,)]
        assert time.monotonic() - started < 60
        # The first has lost what was kept of it and runs again, the last goes on from where it is: both give all rows.
        for info in (infos[0], infos[-1]):
            with flight.connect(server.uri) as client:
                rows = sum(chunk.data.num_rows for chunk in client.do_get(flight.Ticket(info.endpoint[0].ticket.ticket)))
            assert rows == 6_000_000


def test_what_a_statement_has_written_is_not_refused(server):
    """Its rows are kept beyond the limit: the statement has happened."""
    update(server, "CREATE TABLE IF NOT EXISTS written (x INTEGER, t TEXT)")
    with flight.connect(server.uri) as client:
        infos = []
        for _ in range(12):
            try:
                infos.append(client.get_flight_info(statement(EIGHT), PARTS))
            except pa.ArrowException:
                break
        info = client.get_flight_info(statement(f"INSERT INTO written SELECT x, 'text' FROM ({EIGHT}) RETURNING x, t"))
        assert client.do_get(info.endpoints[0].ticket).read_all().num_rows == 1_000_000
    assert ask(server, "SELECT count(*) FROM written") == [(1_000_000,)]


def test_parameters_count_and_are_given_back(server):
    """Bound parameters cannot make room by themselves; closing the statement, or binding others, does."""
    parameters = pa.record_batch({"x": pa.array(["x" * 1000] * 16_000)})
    with flight.connect(server.uri) as client:
        handles = []
        with pytest.raises(pa.ArrowException, match="max-kept"):
            for _ in range(10):
                handles.append(prepare(client, "SELECT ? AS x").prepared_statement_handle)
                put(client, command("CommandPreparedStatementQuery", prepared_statement_handle=handles[-1]), parameters)
        assert 2 <= len(handles) <= 5
        # The same statement may bind as much anew.
        put(client, command("CommandPreparedStatementQuery", prepared_statement_handle=handles[0]), parameters)
        act(client, "ClosePreparedStatement", command("ActionClosePreparedStatementRequest", prepared_statement_handle=handles[1]))
        put(client, command("CommandPreparedStatementQuery", prepared_statement_handle=handles[-1]), parameters)


def test_a_cancelled_result_gives_its_memory_back(server):
    with Raw(server) as raw, flight.connect(server.uri) as client:
        for _ in range(12):
            info = client.get_flight_info(statement(EIGHT), PARTS)
            message = proto.message("FlightInfo").FromString(info.serialize())
            raw.act("CancelFlightInfo", proto.message("CancelFlightInfoRequest")(info=message))


def test_the_settings_are_checked(programs, tmp_path):
    (tmp_path / "fletch.yaml").write_text("max-kept-result: 64M\n")
    printed = programs.fletch("serve", "--check", "--max-kept", "2G", "--config", tmp_path / "fletch.yaml").stdout.decode()
    assert "max-kept: 2G" in printed and "max-kept-result: 64M" in printed
    assert "max-kept" in programs.fletch("serve", "--check", "--max-kept", "10", code=2).stderr.decode()
