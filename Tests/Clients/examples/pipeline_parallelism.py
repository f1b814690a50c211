"""The pipeline client of the Flight Examples, as their README describes it: fetch, compute and sink, joined by queues of four."""
import queue
import sys
import threading
import time

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.flight

END = object()


def fetch(uri, fetched):
    client = pa.flight.connect(uri)
    reader = client.do_get(pa.flight.Ticket(b"large_table_ticket"))
    for chunk in reader:
        fetched.put(chunk.data)
    fetched.put(END)


def compute(fetched, computed, filters):
    while (batch := fetched.get()) is not END:
        if filters:
            wanted = pc.and_kleene(pc.greater(batch["age"], 18), pc.equal(batch["city"], "New York"))
            rows = batch.filter(wanted)
            computed.put((rows.num_rows, rows.slice(0, 1).to_pylist()))
        else:
            computed.put({name: batch[name].null_count for name in batch.schema.names})
    computed.put(END)


def sink(computed):
    number = 0
    while (result := computed.get()) is not END:
        number += 1
        print(f"Batch {number}: {result}")


def main(uri="grpc://localhost:8815", work="nulls"):
    start = time.perf_counter()
    fetched, computed = queue.Queue(maxsize=4), queue.Queue(maxsize=4)
    stages = [threading.Thread(target=fetch, args=(uri, fetched)),
              threading.Thread(target=compute, args=(fetched, computed, work == "filter")),
              threading.Thread(target=sink, args=(computed,))]
    for stage in stages:
        stage.start()
    for stage in stages:
        stage.join()
    print(f"Total pipeline time: {time.perf_counter() - start:.2f} seconds.")


if __name__ == "__main__":
    main(*sys.argv[1:])
