// Rows of a batch in another order.

import Arrow
import Memory

extension RecordBatch {
  /// Some rows, in that order.
  func taking(_ rows: [UInt32], _ checkpoint: Checkpoint = .none) throws(QueryError) -> RecordBatch {
    try taking(rows[...], checkpoint)
  }

  func taking(_ rows: ArraySlice<UInt32>, _ checkpoint: Checkpoint = .none) throws(QueryError) -> RecordBatch
  {
    let collectors = try compiling { () throws(NotMine) in
      let compiler = Compiler(InputShape(types: schema.fields.map(\.type), names: .sources([0])), Givens())
      var collectors: [Collector] = []
      for (i, field) in schema.fields.enumerated() {
        collectors.append(
          field.type.isPassedOn
            ? Collector(column: i, type: field.type) : try Collector(try compiler.column(i), type: field.type)
        )
      }
      return collectors
    }
    let frame = Frame()
    frame.enter(Block(origin: .batch(self), rows: 0..<count, tombstones: nil))
    try rows.withUnsafeBufferPointer { rows throws(QueryError) in
      for start in stride(from: 0, to: rows.count, by: vectorSize) {
        if start & 0x3FFF == 0 { try checkpoint.check() }
        frame.select(rows.baseAddress! + start, count: min(vectorSize, rows.count - start))
        for collector in collectors { try collector.append(frame) }
      }
    }
    var columns: [Column] = []
    for collector in collectors { columns.append(try collector.finish()) }
    return try data { () throws(DataError) in
      try RecordBatch(schema: schema, columns: columns, count: rows.count)
    }
  }
}
