"""The SQL client of the Flight Examples: one query as JSON in a CMD descriptor, and the SQL itself as the ticket."""
import json
import sys

from pyarrow import flight


def main(location="grpc://localhost:8816"):
    client = flight.FlightClient(location)
    query = "SELECT name, is_active FROM feather_table WHERE id > 1"
    descriptor = flight.FlightDescriptor.for_command(json.dumps({"query": query}).encode("utf-8"))
    info = client.get_flight_info(descriptor)
    print(f"Schema: {info.schema}")
    for endpoint in info.endpoints:
        print(client.do_get(endpoint.ticket).read_all().to_pandas())
    # As its other version does: no question before the answer.
    print(client.do_get(flight.Ticket(query.encode("utf-8"))).read_all().num_rows, "rows by ticket")


if __name__ == "__main__":
    main(*sys.argv[1:])
