// A gRPC server to try real clients on, and a client to measure it with.
//
//   fletch-grpc-echo serve ADDRESS [log] [tls CERTIFICATE KEY [AUTHORITY]]
//                                             prints where it listens; drains when its input ends
//   fletch-grpc-echo bench ADDRESS            calls a second, and GiB a second both ways
//
// ADDRESS is HOST:PORT or unix:PATH.

import Flight
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

func serve(_ address: SocketAddress, logs: Bool, tls files: [String]) throws {
  let service = EchoService()
  let server = GRPCServer(
    methods: service.methods + flightMethods(FlightEcho()),
    interceptors: logs ? [JSONCallLog(), CallMetrics()] : [])
  try server.descriptors.register(
    ProtoFile(
      "fletch/test/echo.proto", package: "fletch.test", messages: [ProtoMessage("Any")],
      services: [ProtoService("Echo", [ProtoMethod("Unary", ".fletch.test.Any", ".fletch.test.Any")])]))
  var tls: TLSContext?
  if files.count >= 2 {
    var configuration = TLSConfiguration.server(certificateChain: files[0], privateKey: files[1])
    if files.count > 2 {
      configuration.trustedAuthorities = files[2]
      configuration.clientCertificates = .required
    }
    tls = try TLSContext(server: configuration)
  }
  let bound = try server.listen(on: address, tls: tls)
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
guard arguments.count >= 3 else { fail("serve ADDRESS [log] [tls …] | bench ADDRESS") }
do {
  switch arguments[1] {
  case "serve":
    let words = arguments[3...]
    let files = words.firstIndex(of: "tls").map { Array(words[($0 + 1)...]) } ?? []
    try serve(parse(arguments[2]), logs: words.first == "log", tls: files)
  case "bench": try bench(parse(arguments[2]))
  default: fail("there is no '\(arguments[1])'")
  }
} catch {
  fail("\(error)")
}
