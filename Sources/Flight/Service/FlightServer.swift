// A Flight service as the methods of a gRPC server.

import ArrowIPC
import GRPC
import Memory
import Protobuf

/// How a server or client writes and reads every data stream.
public struct FlightStreamOptions: Sendable {
  public var write = FlightWriteOptions()
  public var read = ReadOptions()

  public init() {}
}

/// The gRPC methods of a Flight service.
public func flightMethods(
  _ service: any FlightService, options: FlightStreamOptions = FlightStreamOptions()
) -> [GRPCMethod] {
  let output = { @Sendable (call: ServerCall, context: CallContext) throws -> FlightOutput in
    var write = options.write
    let wish = try context.requestedCompression()
    (write.ipc.codec, write.ipc.level) = (wish.codec, wish.level)
    return FlightOutput(call, options: write)
  }
  return [
    GRPCMethod(FlightMethod.handshake.path, kind: .blocking) { call in
      try service.handshake(HandshakeExchange(call: call), CallContext(call))
    },
    GRPCMethod(FlightMethod.listFlights.path, kind: .blocking) { call in
      try service.listFlights(try Criteria(request(call)), CallContext(call)) { info in
        try reply(call) { info.write(to: &$0) }
      }
    },
    GRPCMethod(FlightMethod.getFlightInfo.path, kind: service.lookupKind) { call in
      let info = try service.flightInfo(try FlightDescriptor(request(call)), CallContext(call))
      try reply(call) { info.write(to: &$0) }
    },
    GRPCMethod(FlightMethod.pollFlightInfo.path, kind: service.lookupKind) { call in
      let info = try service.pollFlightInfo(try FlightDescriptor(request(call)), CallContext(call))
      try reply(call) { info.write(to: &$0) }
    },
    GRPCMethod(FlightMethod.getSchema.path, kind: service.lookupKind) { call in
      let schema = try service.schema(try FlightDescriptor(request(call)), CallContext(call))
      try reply(call) { $0.bytes(1, schema) }
    },
    GRPCMethod(FlightMethod.doGet.path, kind: .blocking) { call in
      let context = CallContext(call)
      try service.get(try Ticket(request(call)), try output(call, context), context)
    },
    GRPCMethod(FlightMethod.doPut.path, kind: .blocking) { call in
      let input = FlightInput(call, options: options.read)
      try input.readDescriptor()
      try service.put(input, CallContext(call)) { metadata in try reply(call) { $0.bytes(1, metadata) } }
    },
    GRPCMethod(FlightMethod.doExchange.path, kind: .blocking) { call in
      let context = CallContext(call)
      let input = FlightInput(call, options: options.read)
      try input.readDescriptor()
      try service.exchange(input, try output(call, context), context)
    },
    GRPCMethod(FlightMethod.doAction.path, kind: .blocking) { call in
      try service.action(try Action(request(call)), CallContext(call)) { body in
        try reply(call) { $0.bytes(1, body) }
      }
    },
    GRPCMethod(FlightMethod.listActions.path, kind: .blocking) { call in
      for type in try service.actionTypes(CallContext(call)) { try reply(call) { type.write(to: &$0) } }
    },
  ]
}

/// The one message of a request.
private func request(_ call: ServerCall) throws -> ProtobufReader {
  guard let message = try call.receive() else {
    throw GRPCStatus(.invalidArgument, "the request has no message")
  }
  return ProtobufReader(message)
}

private func reply(_ call: ServerCall, _ write: (inout ProtobufWriter) -> Void) throws {
  var writer = ProtobufWriter()
  write(&writer)
  try call.send([Buffer(copying: writer.bytes)])
}
