// A Flight SQL server over a few rows in memory, to try real clients on, and a mirror for messages.
//
//   fletch-flightsql-fake serve ADDRESS     prints where it listens; ends when its input ends
//   fletch-flightsql-fake messages          reads lines of NAME HEX, answers the message as Fletch writes it, or an error
//
// ADDRESS is HOST:PORT or unix:PATH.

import Flight
import FlightSQL
import GRPC
import Glibc
import HTTP2
import Memory

func fail(_ message: String) -> Never {
  var line = "fletch-flightsql-fake: \(message)\n"
  line.withUTF8 { _ = write(2, $0.baseAddress, $0.count) }
  exit(2)
}

func say(_ text: String) {
  var line = text + "\n"
  line.withUTF8 { _ = write(1, $0.baseAddress, $0.count) }
}

func serve(_ address: SocketAddress) throws {
  let server = GRPCServer(methods: flightMethods(try FakeService().flightService()))
  say("\(FlightLocation(try server.listen(on: address)))")
  while readLine() != nil {}
  exit(server.shutdown(within: 5) ? 0 : 3)
}

let arguments = CommandLine.arguments
do {
  switch arguments.dropFirst().first {
  case "serve" where arguments.count == 3: try serve(try FlightLocation(uri: arguments[2]).address)
  case "messages": mirrorMessages()
  default: fail("serve ADDRESS | messages")
  }
} catch {
  fail("\(error)")
}
