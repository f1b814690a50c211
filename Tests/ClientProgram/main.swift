// The example of docs/clients.md: what a program that imports FletchClient looks like.

import Arrow
import Flight
import FlightSQL

let client = try FlightSQLClient(to: FlightLocation(uri: CommandLine.arguments[1]))
defer { client.close() }

// A query: batches of all endpoints, as they come.
let result = try client.execute("SELECT city, count(*) AS n FROM sql_data GROUP BY city ORDER BY n DESC")
while let batch = try result.next() {
  for row in 0..<batch.count {
    print(batch.columns[0].string(at: row), batch.columns[1].integer(at: row))
  }
}

// An update, and what it changed.
let changed = try client.executeUpdate("UPDATE sql_data SET age = age + 1 WHERE city = 'Chicago'")
print("\(changed) rows changed")
