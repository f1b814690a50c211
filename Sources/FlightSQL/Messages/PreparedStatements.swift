// Prepared statements: creating, binding, running and closing them.

import Memory
import Protobuf

/// Asks to prepare a statement.
public struct ActionCreatePreparedStatementRequest: FlightSQLMessage {
  public static let name = "ActionCreatePreparedStatementRequest"

  public var query: String
  /// The transaction that the statement will run in; nil when each run is one by itself.
  public var transactionID: [UInt8]?

  public init(query: String, transactionID: [UInt8]? = nil) {
    self.query = query
    self.transactionID = transactionID
  }

  // query:1 transaction_id:2
  public init(_ message: ProtobufReader) throws(DataError) {
    let same = try CommandStatementQuery(message)
    self.init(query: same.query, transactionID: same.transactionID)
  }

  public func write(to writer: inout ProtobufWriter) {
    CommandStatementQuery(query: query, transactionID: transactionID).write(to: &writer)
  }
}

/// Asks to prepare a Substrait plan.
public struct ActionCreatePreparedSubstraitPlanRequest: FlightSQLMessage {
  public static let name = "ActionCreatePreparedSubstraitPlanRequest"

  public var plan: SubstraitPlan
  public var transactionID: [UInt8]?

  public init(plan: SubstraitPlan, transactionID: [UInt8]? = nil) {
    self.plan = plan
    self.transactionID = transactionID
  }

  // plan:1 transaction_id:2
  public init(_ message: ProtobufReader) throws(DataError) {
    let same = try CommandStatementSubstraitPlan(message)
    self.init(plan: same.plan, transactionID: same.transactionID)
  }

  public func write(to writer: inout ProtobufWriter) {
    CommandStatementSubstraitPlan(plan: plan, transactionID: transactionID).write(to: &writer)
  }
}

/// A prepared statement, as the server tells the client of it.
public struct ActionCreatePreparedStatementResult: FlightSQLMessage {
  public static let name = "ActionCreatePreparedStatementResult"

  public var handle: [UInt8]
  /// The result's schema as an IPC message; empty for a statement without one, which is how JDBC knows an update.
  public var datasetSchema: [UInt8]
  /// The parameters' schema as an IPC message; empty where the server does not know.
  public var parameterSchema: [UInt8]
  /// Whether to run it by DoPut; nil from servers that do not say.
  public var isUpdate: Bool?

  public init(
    handle: [UInt8], datasetSchema: [UInt8] = [], parameterSchema: [UInt8] = [], isUpdate: Bool? = nil
  ) {
    self.handle = handle
    self.datasetSchema = datasetSchema
    self.parameterSchema = parameterSchema
    self.isUpdate = isUpdate
  }

  // prepared_statement_handle:1 dataset_schema:2 parameter_schema:3 is_update:4
  public init(_ message: ProtobufReader) throws(DataError) {
    self.init(handle: [])
    var reader = message
    while let field = try reader.next() {
      switch field.number {
      case 1: handle = try field.bytes().array
      case 2: datasetSchema = try field.bytes().array
      case 3: parameterSchema = try field.bytes().array
      case 4: isUpdate = try field.bool()
      default: break
      }
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.bytes(1, handle)
    writer.bytes(2, datasetSchema)
    writer.bytes(3, parameterSchema)
    if let isUpdate { writer.bool(4, isUpdate, isPresent: true) }
  }
}

/// Closes a prepared statement.
public struct ActionClosePreparedStatementRequest: FlightSQLMessage {
  public static let name = "ActionClosePreparedStatementRequest"

  public var handle: [UInt8]

  public init(handle: [UInt8]) { self.handle = handle }

  // prepared_statement_handle:1
  public init(_ message: ProtobufReader) throws(DataError) { handle = try onlyBytes(message) }

  public func write(to writer: inout ProtobufWriter) { writer.bytes(1, handle) }
}

/// Runs a prepared query by GetFlightInfo, or binds its parameters by DoPut.
public struct CommandPreparedStatementQuery: FlightSQLMessage {
  public static let name = "CommandPreparedStatementQuery"

  public var handle: [UInt8]

  public init(handle: [UInt8]) { self.handle = handle }

  // prepared_statement_handle:1
  public init(_ message: ProtobufReader) throws(DataError) { handle = try onlyBytes(message) }

  public func write(to writer: inout ProtobufWriter) { writer.bytes(1, handle) }
}

/// Runs a prepared update by DoPut, once for each row of parameters that comes with it.
public struct CommandPreparedStatementUpdate: FlightSQLMessage {
  public static let name = "CommandPreparedStatementUpdate"

  public var handle: [UInt8]

  public init(handle: [UInt8]) { self.handle = handle }

  // prepared_statement_handle:1
  public init(_ message: ProtobufReader) throws(DataError) { handle = try onlyBytes(message) }

  public func write(to writer: inout ProtobufWriter) { writer.bytes(1, handle) }
}
