// The entrance of this floor: SELECTs over published tables on columns, with exactly SQLite's answers.

import Arrow
import Memory
import SQL
import SQLite
import Tables

/// A SELECT that runs on columns.
///
///     let decision = ColumnarQuery.plan(bound, parameters: values)   // 'not mine' is a value, with its reason
///     guard case .columns(let query) = decision else { … SQLite … }
///     let inputs = try TableInput.read(query.tableNames, on: session) // snapshots and deltas of one transaction
///     let stream = query.run(inputs, options)                        // from any thread
///     while let batch = try stream.next() { … }                       // all of `query.schema`
///
/// A plan is made of the parameters' values, because their classes decide how they are compared: to tell at the time of preparing
/// whether a statement is likely to run here, plan it without; then plan it again with the values.
///
/// `next()` may throw `.leftToSQLite`: a value left what the types promise (an integer sum overflowed, a year is beyond 9999). SQLite has
/// the answer, or the error; run the statement there. That is before the first batch, unless `isStreaming`.
///
/// LIKE is taken to ignore the case of ASCII letters: with `PRAGMA case_sensitive_like` statements do not belong here.
public struct ColumnarQuery: Sendable {
  public enum Decision: Sendable {
    case columns(ColumnarQuery)
    case notMine(NotMine)
  }

  /// The result: published types for columns that are passed on, int64, float64, utf8 and binary for expressions; all fields nullable.
  public let schema: Schema
  /// The published tables that are read, each once. `run` takes their inputs in this order.
  public let tables: [Relation]
  public var tableNames: [String] { tables.map(\.name) }
  let plan: SelectPlan
  let givens: Givens
  /// Plans within it that are read more than once.
  let shared: Set<ObjectIdentifier>

  /// Plans a statement, or says why it does not run here.
  /// - Parameter parameters: the values from parameter 1 on, those that are missing are NULL; nil while they are not known.
  public static func plan(_ statement: BoundStatement, parameters: [SQLValue]?) -> Decision {
    guard case .select(let select) = statement.kind else { return .notMine(NotMine("it is no SELECT")) }
    return plan(select, features: statement.features, parameters: parameters)
  }

  public static func plan(_ select: BoundSelect, features: Features, parameters: [SQLValue]?) -> Decision {
    let reasons: [(Features, String)] = [
      (.recursive, "it is recursive"), (.rowValues, "it has row values"),
      (.rowid, "it names the row id"), (.tableFunction, "it has table-valued functions"),
      (.unknownFunction, "it has functions that are not SQLite's"),
    ]
    for (feature, reason) in reasons where features.contains(feature) { return .notMine(NotMine(reason)) }
    let givens = Givens(parameters: parameters ?? [], isTrial: true)
    let planner = Planner(givens)
    do throws(NotMine) {
      let isNested = !features.isDisjoint(with: [.correlated, .subquery, .commonTable, .view])
      let plan = try planner.plan(isNested ? select.decorrelated() : select)
      return .columns(
        ColumnarQuery(
          schema: plan.schema, tables: planner.tables, plan: plan, givens: givens, shared: planner.shared))
    } catch {
      return .notMine(error)
    }
  }

  /// Whether batches come before all rows have been read.
  public var isStreaming: Bool { plan.isStreaming && !plan.isReadFirst }

  /// Begins to run. Nothing is read before the first `next()`.
  /// - Parameter inputs: the tables of `tableNames`, in that order.
  public func run(_ inputs: [TableInput], _ options: QueryOptions = QueryOptions()) -> QueryStream {
    precondition(inputs.count == tables.count, "an input for every table")
    return QueryStream(self, inputs, options)
  }
}

/// The batches of a running query. One thread at a time may ask for them.
public final class QueryStream: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): used by one thread at a time, as its comment says.
  public let schema: Schema
  private let query: ColumnarQuery
  private let inputs: [TableInput]
  private let options: QueryOptions
  private var source: BatchSource?
  private var hasEnded = false

  init(_ query: ColumnarQuery, _ inputs: [TableInput], _ options: QueryOptions) {
    schema = query.schema
    self.query = query
    self.inputs = inputs
    self.options = options
  }

  /// The next batch, which is never empty; nil behind the last.
  public func next() throws(QueryError) -> RecordBatch? {
    if hasEnded { return nil }
    do throws(QueryError) {
      if source == nil { source = try begin() }
      while let batch = try source!.next() {
        if batch.count > 0 {
          return try data { () throws(DataError) in
            try RecordBatch(schema: schema, columns: batch.columns, count: batch.count)
          }
        }
      }
    } catch {
      hasEnded = true
      source = nil
      // Where only a refusal can be thrown, a cancelled query has refused; nothing of it is left to anybody.
      if error.code == .leftToSQLite, options.isCancelled() {
        throw QueryError(.cancelled, "the query was cancelled")
      }
      throw error
    }
    hasEnded = true
    source = nil
    return nil
  }

  /// Whether it is known that `next` has nothing more.
  public var isAtEnd: Bool { hasEnded || source?.isAtEnd == true }

  private func begin() throws(QueryError) -> BatchSource {
    for (relation, input) in zip(query.tables, inputs) {
      let planned = relation.columns.map { $0.field?.type }
      guard input.snapshot.schema.fields.map({ Optional($0.type) }) == planned else {
        throw QueryError(
          .schemaChanged, "table '\(relation.name)' has changed since the statement was planned")
      }
    }
    let execution = Execution(
      tables: inputs.map { $0.blocks() }, givens: query.givens, options: options,
      shared: SharedResults(query.shared))
    execution.expect(query.plan)
    return query.plan.isReadFirst
      ? StoredSource(try execution.all(query.plan)) : try execution.source(query.plan)
  }
}
