// Batches that clients send: parameters of a prepared statement, and rows of an ingest.

import Arrow
import Flight
import GRPC

/// The parameters that a client binds: each row of each batch is one set of them, in the order of the columns.
public final class BoundParameters {
  private let input: FlightInput
  /// Nil when the client binds nothing: the statement has one run, without parameters.
  public let schema: Schema?

  init(_ input: FlightInput) throws {
    self.input = input
    let schema = try input.schema()
    // Drivers that have nothing to bind send a batch without columns.
    self.schema = schema?.fields.isEmpty == false ? schema : nil
  }

  /// The next batch, whose values are checked; nil at the end, or when nothing is bound.
  public func next() throws -> RecordBatch? {
    guard schema != nil else { return nil }
    while let item = try input.next() { if let batch = item.batch { return batch } }
    return nil
  }
}

/// The rows that a client ingests.
public final class IngestRows {
  private let input: FlightInput
  public let schema: Schema

  /// - Throws: INVALID_ARGUMENT when the client sends no schema.
  init(_ input: FlightInput) throws {
    self.input = input
    guard let schema = try input.schema() else {
      throw GRPCStatus(.invalidArgument, "\(CommandStatementIngest.name): no schema, and no rows, were sent")
    }
    self.schema = schema
  }

  /// The next batch, whose values are checked; nil at the end.
  public func next() throws -> RecordBatch? {
    while let item = try input.next() { if let batch = item.batch { return batch } }
    return nil
  }
}
