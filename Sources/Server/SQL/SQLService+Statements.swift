// Updates, prepared statements and bulk loading.

import Arrow
import Engine
import Flight
import FlightSQL
import GRPC
import Memory

extension SQLService {
  // MARK: Updates

  public func update(_ statement: CommandStatementUpdate, _ context: CallContext) throws -> Int64 {
    let (session, transaction) = try place(statement.transactionID, context)
    let control = control(context, session)
    return try grpc { () throws(EngineError) in
      let prepared = try session.engine.prepare(statement.query, in: transaction, control)
      defer { prepared.close() }
      return Int64(try prepared.update(nil, control) ?? -1)
    }
  }

  public func ingest(_ command: CommandStatementIngest, _ rows: IngestRows, _ context: CallContext) throws
    -> Int64
  {
    let (session, named) = try place(command.transactionID, context)
    // The ADBC driver loads without a word of the transaction that it has open; beside it the load would wait for its end for ever.
    let transaction = named ?? session.newestTransaction
    let request = IngestRequest(
      table: TableName(catalog: command.catalog, schema: command.dbSchema, table: command.table),
      schema: rows.schema,
      ifExists: command.ifExists == .fail ? .fail : command.ifExists == .append ? .append : .replace,
      ifMissing: command.ifNotExist == .create ? .create : .fail, isTemporary: command.isTemporary,
      options: command.options)
    do {
      return Int64(
        try session.engine.ingest(request, in: transaction, control(context, session)) { try rows.next() })
    } catch let error as EngineError {
      throw GRPCStatus(error)
    }
  }

  // MARK: Prepared statements

  public func prepare(
    _ request: ActionCreatePreparedStatementRequest, _ context: CallContext
  ) throws -> FlightSQL.PreparedStatement {
    let (session, transaction) = try place(request.transactionID, context)
    let control = control(context, session)
    let statement = try grpc { () throws(EngineError) in
      try session.engine.prepare(request.query, in: transaction, control)
    }
    let entry = PreparedEntry(statement, session, in: transaction)
    let handle = try prepared.add(entry, owner: session.user, session: session)
    return FlightSQL.PreparedStatement(
      handle: handle, resultSchema: statement.resultSchema.map { described($0) },
      parameterSchema: statement.parameterSchema, isUpdate: statement.isUpdate)
  }

  public func bind(
    prepared handle: [UInt8], _ parameters: BoundParameters, _ context: CallContext
  ) throws -> [UInt8]? {
    let session = try sessions.session(context)
    let entry = try prepared.find(handle, owner: session.user)
    let rows = try read(parameters)
    let (wanted, given) = (entry.prepared.parameterSchema.fields.count, rows?.columns.count ?? 0)
    guard given == wanted || given == 0 else {
      throw GRPCStatus(
        .invalidArgument,
        "the statement has \(wanted) parameter\(wanted == 1 ? "" : "s"), and \(given) are bound")
    }
    // What was bound before makes room first.
    entry.parameters = nil
    entry.parameters = try keep(rows)
    return nil
  }

  public func update(
    prepared handle: [UInt8], _ parameters: BoundParameters, _ context: CallContext
  ) throws -> Int64 {
    let session = try sessions.session(context)
    let entry = try prepared.find(handle, owner: session.user)
    let rows = try read(parameters)
    let control = control(context, entry.session)
    let statement = try entry.statement(control)
    return try grpc { () throws(EngineError) in Int64(try statement.update(rows, control) ?? -1) }
  }

  public func close(prepared handle: [UInt8], _ context: CallContext) throws {
    let session = try sessions.session(context)
    prepared.remove(handle, owner: session.user)?.prepared.close()
  }

  /// All rows of parameters as one batch.
  private func read(_ parameters: BoundParameters) throws -> RecordBatch? {
    guard let schema = parameters.schema else { return nil }
    var batches: [RecordBatch] = []
    var bytes = 0
    while let batch = try parameters.next() {
      bytes += batch.columns.reduce(0) { $0 + $1.byteCount }
      guard bytes <= options.parameterLimit else {
        throw GRPCStatus(
          .resourceExhausted,
          "parameters of more than \(options.parameterLimit) bytes; load them into a table")
      }
      batches.append(batch)
    }
    guard let first = batches.first else {
      return try RecordBatch(
        schema: schema, columns: schema.fields.map { $0.type.makeBuilder().finish() }, count: 0)
    }
    if batches.count == 1 { return first }
    var rebatcher = Rebatcher(rows: .max)
    for batch in batches { _ = try rebatcher.add(batch) }
    return try rebatcher.finish()
  }
}
