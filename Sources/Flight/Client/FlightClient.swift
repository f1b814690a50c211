// A Flight client: the same verbs as the service.

import Arrow
import ArrowIPC
import GRPC
import HTTP2
import Memory
import Protobuf

/// A connection to a Flight server, made when it is first used. It may be used from many threads; calls block their own.
public final class FlightClient: Sendable {
  private let client: GRPCClient
  private let options: FlightStreamOptions
  /// Sent with every call.
  private let metadata: CallMetadata
  /// What calls carry besides, and what answers change.
  public let session: FlightClientSession

  /// - Parameters:
  ///   - metadata: what is sent with every call.
  ///   - session: the token and the cookies; clients of one server may share them.
  public init(
    to location: FlightLocation, tls: TLSContext? = nil, metadata: CallMetadata = CallMetadata(),
    session: FlightClientSession = FlightClientSession(),
    options: FlightStreamOptions = FlightStreamOptions(), grpc: GRPCClientOptions = GRPCClientOptions()
  ) throws {
    let tls = try tls ?? (location.isTLS ? TLSContext(client: TLSConfiguration.client()) : nil)
    client = GRPCClient(to: location.address, tls: location.isTLS ? tls : nil, options: grpc)
    self.metadata = metadata
    self.session = session
    self.options = options
  }

  public func close() { client.close() }

  // MARK: Looking

  public func listFlights(_ criteria: Criteria = Criteria()) throws -> [FlightInfo] {
    try messages(.listFlights) { criteria.write(to: &$0) }.map { message throws(DataError) in
      try FlightInfo(ProtobufReader(message))
    }
  }

  public func flightInfo(_ descriptor: FlightDescriptor) throws -> FlightInfo {
    try FlightInfo(ProtobufReader(try unary(.getFlightInfo) { descriptor.write(to: &$0) }))
  }

  public func pollFlightInfo(_ descriptor: FlightDescriptor) throws -> PollInfo {
    try PollInfo(ProtobufReader(try unary(.pollFlightInfo) { descriptor.write(to: &$0) }))
  }

  public func schema(_ descriptor: FlightDescriptor) throws -> Schema {
    try SchemaMessage.decode(try BytesMessage.read(try unary(.getSchema) { descriptor.write(to: &$0) }))
  }

  // MARK: Data

  /// Gets what a ticket stands for.
  /// - Parameter compression: asks the server to compress bodies, as `zstd` or `lz4:9`; only Fletch knows that.
  public func get(_ ticket: Ticket, compression: String? = nil) throws -> FlightDownload {
    var metadata = headers
    if let compression { metadata.add("fletch-compression", compression) }
    let call = try begin(.doGet, metadata)
    try call.sendOnly(FlightClient.message { ticket.write(to: &$0) })
    return FlightDownload(call, options: options.read, session)
  }

  /// Starts an upload; the schema is sent at once.
  public func put(_ descriptor: FlightDescriptor, _ schema: Schema) throws -> FlightUpload {
    let call = try begin(.doPut, headers)
    let output = FlightOutput(call, options: options.write, descriptor: descriptor)
    try output.start(schema)
    return FlightUpload(call, output, session)
  }

  /// Starts an exchange; what is sent and what is received have schemas of their own.
  public func exchange(_ descriptor: FlightDescriptor) throws -> FlightExchange {
    let call = try begin(.doExchange, headers)
    return FlightExchange(
      call, FlightOutput(call, options: options.write, descriptor: descriptor),
      FlightInput(call, options: options.read))
  }

  // MARK: Actions and handshake

  /// The results of an action, all of them.
  public func action(_ action: Action) throws -> [[UInt8]] {
    try messages(.doAction) { action.write(to: &$0) }.map { message throws(DataError) in
      try BytesMessage.read(message)
    }
  }

  public func actionTypes() throws -> [ActionType] {
    try messages(.listActions) { _ in }.map { message throws(DataError) in
      try ActionType(ProtobufReader(message))
    }
  }

  /// Sends one message and returns what comes back.
  public func handshake(_ message: HandshakeMessage) throws -> [HandshakeMessage] {
    try messages(.handshake) { message.write(to: &$0) }.map { message throws(DataError) in
      try HandshakeMessage(ProtobufReader(message))
    }
  }

  // MARK: Calls

  private var headers: CallMetadata {
    var headers = metadata
    session.add(to: &headers)
    return headers
  }

  private func begin(_ method: FlightMethod, _ headers: CallMetadata) throws(GRPCStatus) -> ClientCall {
    let call = try client.call(method.path, metadata: headers, timeout: session.secondsLeft)
    session.began(call)
    return call
  }

  private static func message(_ write: (inout ProtobufWriter) -> Void) -> [Buffer] {
    var writer = ProtobufWriter()
    write(&writer)
    return [Buffer(copying: writer.bytes)]
  }

  private func unary(_ method: FlightMethod, _ write: (inout ProtobufWriter) -> Void) throws -> Buffer {
    let (answer, initial, _) = try begin(method, headers).unary(FlightClient.message(write)[0])
    session.received(initial)
    return answer
  }

  private func messages(_ method: FlightMethod, _ write: (inout ProtobufWriter) -> Void) throws -> [Buffer] {
    let call = try begin(method, headers)
    try call.sendOnly(FlightClient.message(write))
    var messages: [Buffer] = []
    while let message = try call.receive() { messages.append(message) }
    session.received(call.initialMetadata)
    // An answer without messages may have its headers and its end in one.
    if messages.isEmpty { session.received(call.trailers) }
    return messages
  }
}

/// Data coming in from a DoGet.
public final class FlightDownload {
  private let call: ClientCall
  private let input: FlightInput
  private let session: FlightClientSession

  init(_ call: ClientCall, options: ReadOptions, _ session: FlightClientSession) {
    self.call = call
    self.session = session
    input = FlightInput(call, options: options)
  }

  /// Waits for the schema.
  /// - Throws: `.malformed` when the stream ends without one.
  public func schema() throws -> Schema {
    guard let schema = try input.schema() else {
      throw DataError(.malformed, "the server sent no schema")
    }
    session.received(call.initialMetadata)
    return schema
  }

  /// The next batch or application metadata; nil when all has come and the server says that it is complete.
  public func next() throws -> FlightInput.Item? { try input.next() }

  public func cancel() { call.cancel() }
}

/// Data going out by a DoPut.
public final class FlightUpload {
  private let call: ClientCall
  private let output: FlightOutput
  private let session: FlightClientSession

  init(_ call: ClientCall, _ output: FlightOutput, _ session: FlightClientSession) {
    self.call = call
    self.output = output
    self.session = session
  }

  public func write(_ batch: RecordBatch, appMetadata: [UInt8] = []) throws {
    try output.write(batch, appMetadata: appMetadata)
  }

  /// Says that this was all, and waits for the server's results: the application metadata of each.
  public func finish() throws -> [[UInt8]] {
    call.finishSending()
    var results: [[UInt8]] = []
    while let message = try call.receive() { results.append(try BytesMessage.read(message)) }
    session.received(call.initialMetadata)
    return results
  }

  public func cancel() { call.cancel() }
}

/// Data in both directions by a DoExchange. Reading and writing may be done by different threads.
public final class FlightExchange {
  private let call: ClientCall
  public let output: FlightOutput
  public let input: FlightInput

  init(_ call: ClientCall, _ output: FlightOutput, _ input: FlightInput) {
    self.call = call
    self.output = output
    self.input = input
  }

  public func finishWriting() { call.finishSending() }

  public func cancel() { call.cancel() }
}
