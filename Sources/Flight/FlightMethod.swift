// The names of Flight's calls.

/// Flight's calls, by their paths.
enum FlightMethod: String, CaseIterable {
  case handshake = "Handshake"
  case listFlights = "ListFlights"
  case getFlightInfo = "GetFlightInfo"
  case pollFlightInfo = "PollFlightInfo"
  case getSchema = "GetSchema"
  case doGet = "DoGet"
  case doPut = "DoPut"
  case doExchange = "DoExchange"
  case doAction = "DoAction"
  case listActions = "ListActions"

  var path: String { "/arrow.flight.protocol.FlightService/\(rawValue)" }
}
