// What DoPut answers: counts, and the handle of a statement that has its parameters. These travel without an envelope.

import Memory
import Protobuf

/// How many rows an update or an ingest changed.
public struct DoPutUpdateResult: FlightSQLMessage {
  public static let name = "DoPutUpdateResult"

  /// -1 when it is not known.
  public var recordCount: Int64

  public init(recordCount: Int64) { self.recordCount = recordCount }

  // record_count:1
  public init(_ message: ProtobufReader) throws(DataError) {
    recordCount = 0
    var reader = message
    while let field = try reader.next() { if field.number == 1 { recordCount = try field.integer() } }
  }

  public func write(to writer: inout ProtobufWriter) { writer.integer(1, recordCount) }
}

/// Parameters are bound.
public struct DoPutPreparedStatementResult: FlightSQLMessage {
  public static let name = "DoPutPreparedStatementResult"

  /// The handle to go on with, in place of the one that the parameters were bound to; nil when that one stays.
  public var handle: [UInt8]?

  public init(handle: [UInt8]? = nil) { self.handle = handle }

  // prepared_statement_handle:1
  public init(_ message: ProtobufReader) throws(DataError) {
    var reader = message
    while let field = try reader.next() { if field.number == 1 { handle = try field.bytes().array } }
  }

  public func write(to writer: inout ProtobufWriter) {
    if let handle { writer.bytes(1, handle, isPresent: true) }
  }
}
