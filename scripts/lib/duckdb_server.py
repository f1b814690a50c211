"""DuckDB behind pyarrow's Flight server, as people put it there: the peer of `scripts/bench sql` and `tpch`. A ticket is SQL; a put makes a table.

    duckdb_server.py FILE              loads the file as the table `readings`, prints the location, and serves until its input ends
    duckdb_server.py TABLE=FILE …      the same with tables of these names
"""
import os
import sys
import threading

import duckdb
import pyarrow as pa
from pyarrow import flight


class Server(flight.FlightServerBase):
    def __init__(self, database):
        super().__init__("grpc://localhost:0")
        self.database = database

    def do_get(self, context, ticket):
        # A cursor is a connection of its own; results go out as they come.
        result = self.database.cursor().sql(ticket.ticket.decode())
        return flight.RecordBatchStream(result.to_arrow_reader(65_536))

    def do_put(self, context, descriptor, reader, writer):
        name, cursor = descriptor.path[0].decode(), self.database.cursor()
        batches = pa.RecordBatchReader.from_batches(reader.schema, (chunk.data for chunk in reader))
        cursor.execute(f'CREATE OR REPLACE TABLE "{name}" AS SELECT * FROM batches')
        writer.write(b"done")


def main(*words):
    database = duckdb.connect()
    for word in words:
        table, _, path = word.rpartition("=")
        database.register("source", pa.ipc.open_file(pa.memory_map(path)).read_all())
        database.execute(f'CREATE TABLE "{table or "readings"}" AS SELECT * FROM source')
        database.unregister("source")
    server = Server(database)
    print(f"grpc://localhost:{server.port}", flush=True)
    threading.Thread(target=server.serve, daemon=True).start()
    sys.stdin.read()
    # Without the interpreter's end, which would wait for readers.
    os._exit(0)


main(*sys.argv[1:])
