// The tables that `fletch sample` writes: a schema and a way to make its rows, a batch at a time.

import Arrow
import Memory

/// A table of any number of rows; the rows depend on the seed only, whatever the size of the batches.
public protocol SampleTable {
  var schema: Schema { get }
  /// The next rows.
  mutating func batch(rows: Int) throws(DataError) -> RecordBatch
}

/// The kinds of sample tables.
public enum SampleKind: String, CaseIterable, Sendable {
  case people, readings, types

  public func table(seed: UInt64) -> any SampleTable {
    switch self {
    case .people: People(seed: seed)
    case .readings: Readings(seed: seed)
    case .types: AllTypes(seed: seed)
    }
  }

  /// Rows in a batch unless something else is asked for: many batches, each of them well below the message limits of common
  /// clients.
  public var defaultBatchRows: Int {
    switch self {
    case .people: 1000
    case .readings: 65_536
    case .types: 100
    }
  }
}
