"""The SQL consumer of the Flight Examples: raw SQL in CMD descriptors, every endpoint read, each query's error printed."""
import sys

import pyarrow as pa
from pyarrow import flight

QUERIES = [
    "SELECT * FROM feather_table",
    "SELECT name, metadata FROM feather_table WHERE is_active = true",
    "SELECT count(*) as total_count FROM feather_table",
    "SELECT * FROM feather_table WHERE age > 1000",
    "SELECT * FROM missing_table",
]


def main(location="grpc://localhost:8816"):
    client = flight.FlightClient(location)
    for query in QUERIES:
        print(f"\n--- {query}")
        try:
            info = client.get_flight_info(flight.FlightDescriptor.for_command(query))
            tables = [client.do_get(endpoint.ticket).read_all() for endpoint in info.endpoints]
            table = pa.concat_tables(tables)
            print(table.to_pandas().to_string() if table.num_rows else "Empty result set.")
        except (flight.FlightError, pa.ArrowException, KeyError) as error:
            print(f"Error: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
