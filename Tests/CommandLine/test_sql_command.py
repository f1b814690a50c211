"""`fletch sql`, `publish` and `tables` as a person at a shell meets them."""
import json
import os
import pty
import signal
import subprocess
import time

import pyarrow as pa
import pyarrow.feather as feather
import pytest

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"


@pytest.fixture(scope="module")
def people(programs, tmp_path_factory):
    path = tmp_path_factory.mktemp("people") / "people.feather"
    programs.fletch("sample", "-o", path)
    return path


@pytest.fixture
def sql(programs):
    """The rows of a statement as objects."""
    def run(*words, **options):
        output = programs.fletch("sql", *words, "--quiet", **options).stdout.decode()
        return [json.loads(line) for line in output.splitlines()]
    return run


def test_a_file_is_a_table(sql, people, tmp_path):
    assert sql("SELECT id, name FROM people WHERE age > 24 ORDER BY id", people) == [
        {"id": 1, "name": "Alice"}, {"id": 3, "name": "Charlie"}]
    assert sql("SELECT count(*) AS n FROM p", f"p={people}") == [{"n": 5}]
    join = "SELECT count(*) AS n FROM a JOIN b USING (id)"
    assert sql(join, f"a={people}", f"b={people}") == [{"n": 5}]
    # A name with a '=' in it is a file if there is one.
    odd = tmp_path / "x=1.feather"
    odd.write_bytes(people.read_bytes())
    assert sql('SELECT count(*) AS n FROM "x=1"', odd) == [{"n": 5}]


def test_a_folder_is_tables(sql, people, tmp_path):
    (tmp_path / "parts").mkdir()
    for name in ("one.feather", "parts/a.feather", "parts/b.feather"):
        (tmp_path / name).write_bytes(people.read_bytes())
    assert sql("SELECT (SELECT count(*) FROM one) AS one, (SELECT count(*) FROM parts) AS parts", tmp_path) == [
        {"one": 5, "parts": 10}]


def test_forms(programs, people):
    def printed(form):
        return programs.fletch("sql", "SELECT id, name FROM people LIMIT 2", people, "--format", form).stdout
    assert printed("table").decode() == " id │ name\n────┼───────\n  1 │ Alice\n  2 │ Bob\n(2 rows)\n"
    assert printed("csv") == b"id,name\n1,Alice\n2,Bob\n" or printed("csv") == b"id,name\r\n1,Alice\r\n2,Bob\r\n"
    assert printed("json") == b'{"id":1,"name":"Alice"}\n{"id":2,"name":"Bob"}\n'
    assert pa.ipc.open_stream(printed("arrow")).read_all().to_pydict() == {"id": [1, 2], "name": ["Alice", "Bob"]}


def test_output_files(programs, people, tmp_path):
    statement = "SELECT * FROM people ORDER BY id DESC"
    expected = feather.read_table(people).to_pylist()[::-1]
    programs.fletch("sql", statement, people, "-o", tmp_path / "a.feather")
    assert feather.read_table(tmp_path / "a.feather").to_pylist() == expected
    programs.fletch("sql", statement, people, "-o", tmp_path / "a.arrows", "--codec", "zstd")
    assert pa.ipc.open_stream(str(tmp_path / "a.arrows")).read_all().to_pylist() == expected
    programs.fletch("sql", statement, people, "-o", tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text().splitlines()[0] == "id,age,city,is_active,name,metadata"
    programs.fletch("sql", statement, people, "-o", tmp_path / "a.jsonl")
    assert json.loads((tmp_path / "a.jsonl").read_text().splitlines()[0]) == expected[0]


def test_no_half_file_is_left(programs, people, tmp_path):
    out = tmp_path / "out.feather"
    assert "one result" in programs.error("sql", "SELECT 1; SELECT 2", "-o", out)
    assert "no rows" in programs.fletch("sql", "DELETE FROM people", people, "-o", out, code=1).stderr.decode()
    assert "no such column" in programs.error("sql", "SELECT x FROM people", people, "-o", out)
    assert list(tmp_path.iterdir()) == []


def test_statements_from_a_file_and_from_standard_input(sql, people, tmp_path):
    script = "CREATE TABLE t (a);\nINSERT INTO t VALUES (1), (2);\n-- a comment; with a semicolon\nSELECT sum(a) AS s FROM t;"
    (tmp_path / "script.sql").write_text(script)
    assert sql("-f", tmp_path / "script.sql") == [{"s": 3}]
    assert sql("-f", "-", people, stdin=b"SELECT count(*) AS n FROM people") == [{"n": 5}]
    assert sql(stdin=b"SELECT 1 AS one; SELECT 2 AS two") == [{"one": 1}, {"two": 2}]


def test_a_stream_on_standard_input_is_a_table(sql, programs, people):
    stream = programs.fletch("convert", people, "-").stdout
    assert sql("SELECT max(age) AS age FROM stdin", "-", stdin=stream) == [{"age": 30}]
    assert sql("SELECT max(age) AS age FROM p", "p=-", stdin=people.read_bytes()) == [{"age": 30}]


def test_transactions_of_a_script(sql, people):
    script = "BEGIN; DELETE FROM people; ROLLBACK; DELETE FROM people WHERE id = 1; SELECT count(*) AS n FROM people"
    assert sql(script, people) == [{"n": 4}]
    assert feather.read_table(people).num_rows == 5, "the file is as it was"


@pytest.mark.parametrize("text, type_, value", [
    ("1", "integer", 1), ("-7", "integer", -7), ("1.5", "real", 1.5), ("1e3", "real", 1000), ("NULL", "null", None),
    ("true", "integer", 1), ("x'00ff'", "blob", "00ff"), ("text", "text", "text"), ("'1'", "text", "1"), ("", "text", ""),
    ("it's", "text", "it's"), ("'it''s'", "text", "it's"), ("inf", "text", "inf"), ("a=b", "text", "a=b"),
    ("9223372036854775808", "real", 9223372036854775808.0), ("☕", "text", "☕"), ("x'0'", "text", "x'0'"),
])
def test_parameters_are_typed(sql, text, type_, value):
    assert sql("SELECT typeof(?1) AS t, ?1 AS v", "--param", text) == [{"t": type_, "v": value}]


def test_parameters_by_name(sql, people):
    where = "SELECT id FROM people WHERE city = :city AND age > ?"
    assert sql(where, people, "-p", "20", "--param", "city=New York") == [{"id": 1}, {"id": 4}]
    assert sql("SELECT $a - @b AS d", "-p", "a=5", "-p", "@b=3") == [{"d": 2}]
    assert sql("SELECT :a AS a; SELECT :a + 1 AS b", "-p", "a=1") == [{"a": 1}, {"b": 2}]


@pytest.mark.parametrize("words, says", [
    (["SELECT ?"], "parameter 1 has no value; give --param VALUE"),
    (["SELECT :a"], "parameter :a has no value; give --param a=VALUE"),
])
def test_parameters_that_are_missing(programs, words, says):
    assert says in programs.error("sql", *words)


@pytest.mark.parametrize("words, says", [
    (["SELECT ?", "-p", "1", "-p", "2"], "'2' is too many"),
    (["SELECT 1", "-p", "1"], "no parameters"),
    (["SELECT 1", "-p", "a=1"], "parameter :a"),
    (["SELECT 1", "--format", "xml"], "table, csv, json, arrow"),
    (["SELECT 1", "--codec", "zstd"], "--codec"),
    (["SELECT 1", "--timeout", "soon"], "seconds"),
    (["SELECT 1", "--database", "x", "a.feather"], "fletch publish"),
    (["  -- nothing"], "no statement"),
    (["-f", "-", "-"], "standard input"),
])
def test_wrong_usage_of_sql(programs, words, says):
    done = programs.fletch("sql", *words, stdin=b"SELECT 1", code=2)
    assert says in done.stderr.decode() and done.stdout == b""


def test_a_file_in_the_place_of_the_statement(programs, people):
    assert f"fletch sql 'SELECT …' {people}" in programs.fletch("sql", people, code=2).stderr.decode()


@pytest.mark.parametrize("statement, says", [
    ("SELECT nam FROM people", "no such column: nam\n  SELECT nam FROM people\n         ^\n"),
    ("SELECT 'é☕日', nam FROM people", "no such column: nam\n  SELECT 'é☕日', nam FROM people\n                  ^\n"),
    ("SELECT 1;\nSELECT *\n\tFORM people;", "line 3: near \"FORM\": syntax error\n   FORM people;\n   ^\n"),
    ("SELECT 1; SELECT f(1)", "no such function: f\n  SELECT 1; SELECT f(1)\n                   ^\n"),
])
def test_the_place_of_an_error(programs, people, statement, says):
    message = programs.fletch("sql", statement, people, code=1).stderr.decode()
    assert message.startswith("fletch sql: ") and says in message


def test_an_unknown_table_says_which_there_are(programs, people):
    assert "Tables: people" in programs.error("sql", "SELECT * FROM persons", people)
    assert "name files" in programs.error("sql", "SELECT * FROM persons")


def test_an_error_steers_no_terminal(programs):
    message = programs.error("sql", "SELECT * FROM \"\x1b[31m\"")
    assert "\x1b" not in message


def test_what_changed_and_how_long_it_took(programs, people):
    done = programs.fletch("sql", "DELETE FROM people WHERE id < 3; SELECT 1", people, "--timing")
    first, second = done.stderr.decode().splitlines()
    assert first.startswith("2 rows changed, prepared in ") and second.startswith("1 row, prepared in ")
    assert programs.fletch("sql", "DELETE FROM people", people, "--quiet").stderr == b""


def test_explain(programs, people):
    text = programs.fletch("sql", "--explain", "SELECT name FROM people ORDER BY name", people).stdout.decode()
    assert "SCAN people" in text and "ORDER BY" in text


def test_timeout(programs):
    assert "longer than it may" in programs.error("sql", ENDLESS, "--timeout", "0.2")


def test_memory_limit(programs, people):
    grow = "INSERT INTO people (id) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) " \
           "SELECT i FROM n RETURNING id"
    assert "bytes" in programs.error("sql", grow, people, "--memory-limit", "1M")


@pytest.mark.parametrize("statement", [
    "SELECT a.*, hex(a.ts) AS h FROM readings AS a, times", "SELECT * FROM readings, times",
    "SELECT id, device FROM readings, times ORDER BY value", "SELECT DISTINCT id, n FROM readings, times",
])
def test_memory_stays_bounded_however_long_the_result(programs, tmp_path, statement):
    path = tmp_path / "readings.feather"
    programs.fletch("sample", "--kind", "readings", "--rows", "100000", "-o", path)
    times = "WITH RECURSIVE times(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM times LIMIT {}) "

    def peak(count):
        """The most memory that the statement takes for so many times the rows, in bytes."""
        command = [programs.folder / "fletch", "sql", times.format(count) + statement, path, "--format", "arrow"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        return usage.ru_maxrss << 10
    # What is kept may not grow with the result.
    assert peak(12) < peak(2) + (160 << 20)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels(programs, tmp_path, number):
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen([programs.folder / "fletch", "sql", ENDLESS], stderr=subprocess.PIPE, env=environment)
    while not list(tmp_path.glob("fletch-*/fletch.db")):
        time.sleep(0.01)
    time.sleep(0.3)
    process.send_signal(number)
    _, message = process.communicate(timeout=20)
    assert process.returncode == 128 + number and message == b"fletch sql: interrupted\n"
    assert list(tmp_path.iterdir()) == [], "the private database is gone"


def test_a_reader_that_goes_away_leaves_nothing(programs, tmp_path):
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 1000000) SELECT i FROM n"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(["bash", "-c", f"'{programs.folder}/fletch' sql '{many}' | head -n 2"], capture_output=True,
                          timeout=60, env=environment)
    assert len(done.stdout.splitlines()) == 2 and done.stderr == b""
    deadline = time.monotonic() + 20
    while list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(tmp_path.iterdir()) == []


def test_a_table_at_a_terminal(programs, people):
    ours, theirs = pty.openpty()
    process = subprocess.Popen([programs.folder / "fletch", "sql", "SELECT id, NULL AS n FROM people LIMIT 1", people],
                               stdout=theirs, stderr=subprocess.PIPE)
    process.wait(20)
    os.close(theirs)
    text = os.read(ours, 10_000).decode()
    assert "│" in text and "(1 row)" in text


# Databases


def test_publish(programs, sql, people, tmp_path):
    database = tmp_path / "db"
    done = programs.fletch("publish", people, "--database", database)
    assert "5 rows in " in done.stderr.decode() and "table 'people' has 5" in done.stderr.decode()
    assert "--append or --replace" in programs.error("publish", people, "--database", database)
    programs.fletch("publish", people, people, "--table", "people", "--append", "--database", database)
    assert sql("SELECT count(*) AS n FROM people", "--database", database) == [{"n": 15}]
    programs.fletch("publish", people, "--table", "people", "--replace", "--database", database, "--quiet")
    assert sql("SELECT count(*) AS n FROM people", "--database", database) == [{"n": 5}]
    programs.fletch("publish", people, "--table", "an \"odd\" ☕ name", "--append", "--database", database)
    assert sql('SELECT count(*) AS n FROM "an ""odd"" ☕ name"', "--database", database) == [{"n": 5}]
    assert sql("DELETE FROM people WHERE id = 1", "--database", database) == []
    assert sql("SELECT count(*) AS n FROM people", "--database", database) == [{"n": 4}]


def test_publish_as_rows(programs, sql, people, tmp_path):
    database = tmp_path / "db"
    programs.fletch("publish", people, "--table", "p", "--rows", "--database", database)
    assert sql("CREATE UNIQUE INDEX i ON p (id)", "--database", database) == []
    assert "UNIQUE constraint failed: p.id" in programs.error(
        "publish", people, "--table", "p", "--rows", "--append", "--database", database)
    programs.fletch("publish", people, "--table", "p", "--rows", "--replace", "--database", database)
    before = feather.read_table(people).to_pylist()
    after = sql("SELECT id, age, city, is_active, name FROM p", "--database", database)
    assert after == [{k: row[k] for k in ("id", "age", "city", "is_active", "name")} for row in before]


def test_publish_in_place_and_from_a_pipe(programs, sql, people, tmp_path):
    database = tmp_path / "db"
    programs.fletch("publish", people, "--in-place", "--database", database)
    assert list((database / "segments").iterdir()) == []
    stream = programs.fletch("convert", people, "-").stdout
    programs.fletch("publish", "-", "--table", "piped", "--database", database, stdin=stream)
    assert sql("SELECT count(*) AS n FROM people JOIN piped USING (id)", "--database", database) == [{"n": 5}]


@pytest.mark.parametrize("words, says", [
    (["publish", "a.feather"], "--database"),
    (["publish", "--database", "x"], "FILE"),
    (["publish", "a", "b", "--database", "x"], "--table"),
    (["publish", "a", "--append", "--replace", "--database", "x"], "exclude"),
    (["publish", "a", "--rows", "--in-place", "--database", "x"], "exclude"),
    (["tables"], "--database"),
    (["tables", "--format", "arrow", "a"], "table, csv or json"),
])
def test_wrong_usage_of_publish_and_tables(programs, words, says):
    done = programs.fletch(*words, code=2)
    assert says in done.stderr.decode() and done.stdout == b""


def test_a_mistyped_file_makes_no_database(programs, tmp_path):
    assert "missing.feather" in programs.error("publish", tmp_path / "missing.feather", "--database", tmp_path / "db")
    assert "no database" in programs.error("sql", "SELECT 1", "--database", tmp_path / "db")
    assert list(tmp_path.iterdir()) == []


def test_a_database_has_one_process(programs, people, tmp_path):
    database = tmp_path / "db"
    programs.fletch("publish", people, "--database", database)
    holder = subprocess.Popen([programs.folder / "fletch", "sql", ENDLESS, "--database", database])
    try:
        while (database / "fletch.lock").read_text() != str(holder.pid):
            assert holder.poll() is None
            time.sleep(0.01)
        assert f"in use by another process (process {holder.pid})" in programs.error("tables", "--database", database)
    finally:
        holder.terminate()
        holder.wait(20)
    programs.fletch("tables", "--database", database)


def test_tables(programs, sql, people, tmp_path):
    database = tmp_path / "db"
    programs.fletch("publish", people, "--database", database)
    programs.fletch("publish", people, "--table", "loaded", "--rows", "--database", database)
    sql("CREATE VIEW adults AS SELECT * FROM people WHERE age >= 18; UPDATE people SET age = 1 WHERE id < 3; "
        "INSERT INTO people (id) VALUES (9)", "--database", database)
    rows = [json.loads(line) for line in
            programs.fletch("tables", "--database", database, "--format", "json").stdout.splitlines()]
    found = {row["table"]: row for row in rows}
    assert list(found) == ["adults", "loaded", "people"]
    assert (found["people"]["kind"], found["people"]["rows"], found["people"]["columns"]) == ("published", 6, 6)
    assert (found["people"]["segments"], found["people"]["delta"], found["people"]["gone"]) == (1, 3, 2)
    assert found["people"]["bytes"] == os.path.getsize(people)
    assert (found["loaded"]["kind"], found["loaded"]["rows"], found["loaded"]["segments"]) == ("rows", 5, None)
    assert found["loaded"]["bytes"] >= 4096
    assert (found["adults"]["kind"], found["adults"]["rows"]) == ("view", None)
    columns = programs.fletch("tables", "--database", database, "PEOPLE", "--format", "csv").stdout.decode().splitlines()
    assert columns[0] == "table,column,type,SQL,nullable" and "people,is_active,bool,BOOLEAN,true" in columns
    assert "no table 'x'" in programs.error("tables", "--database", database, "x")
    text = programs.fletch("tables", people, "--columns").stdout.decode()
    assert "struct<dept: utf8>" in text and "(6 rows)" in text


def test_compact(programs, sql, people, tmp_path):
    database = tmp_path / "db"
    programs.fletch("publish", people, "--database", database)
    programs.fletch("publish", people, "--table", "other", "--database", database)
    sql("UPDATE people SET age = 1 WHERE id < 3; DELETE FROM people WHERE id = 5", "--database", database)
    before = sql("SELECT * FROM people ORDER BY id", "--database", database)
    done = programs.fletch("compact", "--database", database)
    other, changed = done.stderr.decode().splitlines()
    assert other == "other: nothing to do"
    assert changed.startswith("people: 2 changed and 3 gone rows folded in, 1 segment of ")
    report = programs.fletch("tables", "--database", database, "--format", "json").stdout.splitlines()
    assert [(r["rows"], r["delta"], r["gone"]) for r in map(json.loads, report)] == [(5, 0, 0), (4, 0, 0)]
    assert sql("SELECT * FROM people ORDER BY id", "--database", database) == before
    assert "nothing to do" in programs.fletch("compact", "PEOPLE", "--database", database).stderr.decode()
    assert "no published table 'x'" in programs.error("compact", "x", "--database", database)
    assert "--database" in programs.fletch("compact", code=2).stderr.decode()


def test_a_damaged_table_leaves_the_others_usable(programs, sql, people, tmp_path):
    database = tmp_path / "db"
    for name in ("good", "bad"):
        programs.fletch("publish", people, "--table", name, "--database", database)
        files = set((database / "segments").iterdir())
    for file in files:
        # Which of them is the table's own, the catalog knows.
        saved = file.read_bytes()
        file.unlink()
        done = programs.fletch("tables", "--database", database, code=1)
        assert file.name in done.stderr.decode() and done.stdout.decode().count("published") == 2
        file.write_bytes(saved)
    programs.fletch("tables", "--database", database)
