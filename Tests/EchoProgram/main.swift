// A gRPC server to try real clients on, and a client to measure it with.
//
//   fletch-grpc-echo serve ADDRESS [log]      prints where it listens; drains when its input ends
//   fletch-grpc-echo bench ADDRESS            calls a second, and GiB a second both ways
//
// ADDRESS is HOST:PORT or unix:PATH.

import GRPC
import Glibc
import HTTP2
import Memory

func fail(_ message: String) -> Never {
  perror("fletch-grpc-echo: \(message)")
  exit(2)
}

func parse(_ text: String) -> SocketAddress {
  if text.hasPrefix("unix:") { return .unix(path: String(text.dropFirst(5))) }
  guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]) else {
    fail("'\(text)' is no address")
  }
  return .tcp(host: String(text[..<colon]), port: port)
}

func serve(_ address: SocketAddress, logs: Bool) throws {
  let service = EchoService()
  let server = GRPCServer(
    methods: service.methods, interceptors: logs ? [JSONCallLog(), CallMetrics()] : [])
  try server.descriptors.register(
    ProtoFile(
      "fletch/test/echo.proto", package: "fletch.test", messages: [ProtoMessage("Any")],
      services: [ProtoService("Echo", [ProtoMethod("Unary", ".fletch.test.Any", ".fletch.test.Any")])]))
  let bound = try server.listen(on: address)
  var line = "\(bound)\n"
  line.withUTF8 { _ = write(1, $0.baseAddress, $0.count) }
  while let order = readLine() {
    // "health SERVICE NUMBER" for the tests of Watch.
    let words = order.split(separator: " ").map(String.init)
    if words.count == 3, words[0] == "health",
      let status = Int64(words[2]).flatMap({ HealthService.ServingStatus(rawValue: $0) })
    {
      server.health.set(status, for: words[1])
    }
  }
  exit(server.shutdown(within: 2) ? 0 : 3)
}

let arguments = CommandLine.arguments
guard arguments.count >= 3 else { fail("serve ADDRESS [log] | bench ADDRESS") }
do {
  switch arguments[1] {
  case "serve": try serve(parse(arguments[2]), logs: arguments.count > 3)
  case "bench": try bench(parse(arguments[2]))
  default: fail("there is no '\(arguments[1])'")
  }
} catch {
  fail("\(error)")
}
