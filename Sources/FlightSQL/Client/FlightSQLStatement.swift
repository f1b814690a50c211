// A prepared statement at the client.

import Arrow
import Flight
import Memory

/// A statement that the server has prepared. One thread at a time binds and runs it; `close` lets the server forget it.
public final class FlightSQLStatement {
  private let client: FlightSQLClient
  private var handle: [UInt8]
  private var parameters: [RecordBatch] = []
  /// Nil when the server tells none: an update, or a server that does not know.
  public let resultSchema: Schema?
  /// Nil when the server does not know. Types that it does not know are null.
  public let parameterSchema: Schema?
  /// Nil from servers that do not say.
  public let isUpdate: Bool?

  init(_ client: FlightSQLClient, _ result: ActionCreatePreparedStatementResult) throws {
    self.client = client
    handle = result.handle
    resultSchema = result.datasetSchema.isEmpty ? nil : try SchemaMessage.decode(result.datasetSchema)
    parameterSchema = result.parameterSchema.isEmpty ? nil : try SchemaMessage.decode(result.parameterSchema)
    isUpdate = result.isUpdate
  }

  /// The parameters of the runs that follow: each row is a set, in the order of the columns. All batches have one schema.
  public func bind(_ batches: [RecordBatch]) { parameters = batches }

  /// Sends the parameters, if there are any, and runs the statement as a query.
  public func execute() throws -> FlightSQLResult {
    try sendParameters()
    return try client.result(CommandPreparedStatementQuery(handle: handle).wrapped())
  }

  /// As `execute`, polling until the query is complete.
  /// - Parameter onProgress: hears of each poll, of 0 to 1 where the server knows; false cancels the query.
  public func execute(onProgress: (Double?) throws -> Bool) throws -> FlightSQLResult {
    try sendParameters()
    return try client.poll(CommandPreparedStatementQuery(handle: handle).wrapped(), onProgress)
  }

  private func sendParameters() throws {
    if !parameters.isEmpty {
      let upload = try client.flight.put(
        .command(CommandPreparedStatementQuery(handle: handle).wrapped()), parameters[0].schema)
      for batch in parameters { try upload.write(batch) }
      // Servers without state of their own put the parameters into a new handle; older ones answer nothing.
      if let answer = try upload.finish().first,
        let bound = try DoPutPreparedStatementResult(body: Buffer(copying: answer)).handle
      {
        handle = bound
      }
    }
  }

  /// Runs the statement as an update, once for each set of parameters; returns how many rows it changed.
  @discardableResult
  public func executeUpdate() throws -> Int64 {
    try client.update(CommandPreparedStatementUpdate(handle: handle).wrapped(), parameters)
  }

  public func close() throws {
    let body = ActionClosePreparedStatementRequest(handle: handle).wrapped()
    _ = try client.flight.action(Action("ClosePreparedStatement", body: body))
  }
}
