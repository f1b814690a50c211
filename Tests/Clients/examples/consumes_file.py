"""The sequential client of the Flight Examples, as their README describes it: schema, null counts, a pause after every two batches."""
import sys
import time

import pyarrow as pa
import pyarrow.flight


def main(uri="grpc://localhost:8815", pause="1"):
    client = pa.flight.connect(uri)
    info = client.get_flight_info(pa.flight.FlightDescriptor.for_path("large_table"))
    print("Schema:")
    print(info.schema)
    reader = client.do_get(info.endpoints[0].ticket)
    count = 0
    while True:
        try:
            batch, _ = reader.read_chunk()
        except StopIteration:
            break
        count += 1
        print(f"Processed batch {count} ({batch.num_rows} rows)")
        for name, column in zip(batch.schema.names, batch.columns):
            print(f"  {name}: {column.null_count} nulls")
        if count % 2 == 0:
            print("Flow control: Pausing to clear downstream resources...", flush=True)
            time.sleep(float(pause))


if __name__ == "__main__":
    main(*sys.argv[1:])
