// Rows of a batch in another order.

import Arrow
import Memory
import SQL

extension Execution {
  /// An expression's values in single rows, which are told by the number of their block and their row in it; NULL where there is none.
  func values(
    of expression: BoundExpression, type: DataType, at positions: [UInt64?], _ blocks: [Block],
    _ shape: InputShape, _ givens: Givens
  ) throws(QueryError) -> Column {
    let compiler = Compiler(shape, givens)
    let collector = try compiling { () throws(NotMine) in
      try compiler.collector(OutputColumn(expression: expression, field: Field("", type)))
    }
    let order = positions.indices.filter { positions[$0] != nil }.sorted { positions[$0]! < positions[$1]! }
    let frame = Frame()
    var place = 0
    while place < order.count {
      let block = Int(positions[order[place]]! >> 32)
      frame.enter(blocks[block])
      while place < order.count, Int(positions[order[place]]! >> 32) == block {
        var rows: [UInt32] = []
        while place < order.count, rows.count < vectorSize, Int(positions[order[place]]! >> 32) == block {
          rows.append(UInt32(truncatingIfNeeded: positions[order[place]]!))
          place += 1
        }
        frame.select(rows, count: rows.count)
        try collector.append(frame)
      }
      try blocks[block].checkUnchanged()
    }
    let column = try collector.finish()
    if order.isEmpty {
      return try data { () throws(DataError) in
        let builder = type.makeBuilder()
        for _ in positions { builder.appendNull() }
        return builder.finish()
      }
    }
    var ranks = [UInt32](repeating: 0, count: order.count)
    for (rank, index) in order.enumerated() { ranks[index] = UInt32(rank) }
    let batch = try data { () throws(DataError) in
      try RecordBatch(schema: Schema([Field("", type)]), columns: [column], count: column.count)
    }
    return try batch.taking(ranks).columns[0]
  }
}

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
