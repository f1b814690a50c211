// Statements that are sent whole: queries, updates, Substrait plans, and the ticket of a query's result.

import Memory
import Protobuf

/// A transaction's handle. An empty one means the same as none: drivers send either.
func transactionID(_ field: ProtobufField) throws(DataError) -> [UInt8]? {
  let bytes = try field.bytes()
  return bytes.count > 0 ? bytes.array : nil
}

/// A query: what GetFlightInfo runs and GetSchema describes. Drivers send statements here that write, too.
public struct CommandStatementQuery: FlightSQLMessage {
  public static let name = "CommandStatementQuery"

  public var query: String
  /// Nil for a statement that is a transaction by itself.
  public var transactionID: [UInt8]?

  public init(query: String, transactionID: [UInt8]? = nil) {
    self.query = query
    self.transactionID = transactionID
  }

  // query:1 transaction_id:2
  public init(_ message: ProtobufReader) throws(DataError) {
    self.init(query: "")
    var reader = message
    while let field = try reader.next() {
      switch field.number {
      case 1: query = try field.string()
      case 2: transactionID = try FlightSQL.transactionID(field)
      default: break
      }
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.string(1, query)
    if let transactionID { writer.bytes(2, transactionID, isPresent: true) }
  }
}

/// An update: what DoPut runs and answers with a count.
public struct CommandStatementUpdate: FlightSQLMessage {
  public static let name = "CommandStatementUpdate"

  public var query: String
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

/// A serialised plan, and the release of Substrait that it was written for.
public struct SubstraitPlan: Hashable, Sendable {
  public var plan: [UInt8]
  public var version: String

  public init(plan: [UInt8] = [], version: String = "") {
    self.plan = plan
    self.version = version
  }

  // plan:1 version:2
  init(_ message: ProtobufReader) throws(DataError) {
    self.init()
    var reader = message
    while let field = try reader.next() {
      switch field.number {
      case 1: plan = try field.bytes().array
      case 2: version = try field.string()
      default: break
      }
    }
  }

  func write(to writer: inout ProtobufWriter) {
    writer.bytes(1, plan)
    writer.string(2, version)
  }
}

/// A Substrait plan to run, as a query or as an update.
public struct CommandStatementSubstraitPlan: FlightSQLMessage {
  public static let name = "CommandStatementSubstraitPlan"

  public var plan: SubstraitPlan
  public var transactionID: [UInt8]?

  public init(plan: SubstraitPlan, transactionID: [UInt8]? = nil) {
    self.plan = plan
    self.transactionID = transactionID
  }

  // plan:1 transaction_id:2
  public init(_ message: ProtobufReader) throws(DataError) {
    self.init(plan: SubstraitPlan())
    var reader = message
    while let field = try reader.next() {
      switch field.number {
      case 1: plan = try SubstraitPlan(field.message())
      case 2: transactionID = try FlightSQL.transactionID(field)
      default: break
      }
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.message(1) { plan.write(to: &$0) }
    if let transactionID { writer.bytes(2, transactionID, isPresent: true) }
  }
}

/// The ticket of a result: a handle that the service chose.
public struct TicketStatementQuery: FlightSQLMessage {
  public static let name = "TicketStatementQuery"

  public var handle: [UInt8]

  public init(handle: [UInt8]) { self.handle = handle }

  // statement_handle:1
  public init(_ message: ProtobufReader) throws(DataError) { handle = try onlyBytes(message) }

  public func write(to writer: inout ProtobufWriter) { writer.bytes(1, handle) }
}

/// Field 1 of a message that has nothing else: a handle.
func onlyBytes(_ message: ProtobufReader) throws(DataError) -> [UInt8] {
  var reader = message
  var bytes: [UInt8] = []
  while let field = try reader.next() { if field.number == 1 { bytes = try field.bytes().array } }
  return bytes
}
