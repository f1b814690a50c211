// UNION, INTERSECT and EXCEPT of rows that are there already.

import Arrow
import Memory
import SQL

extension Execution {
  /// The rows of both sides, combined as the operator says; all but UNION ALL give each row once, in order, as SQLite does.
  func combined(
    _ left: [RecordBatch], _ operation: CompoundTerm.Operator, _ right: [RecordBatch], _ schema: Schema
  ) throws(QueryError) -> [RecordBatch] {
    if operation == .unionAll { return left + right }
    let compiler = Compiler(
      InputShape(types: schema.fields.map(\.type), names: .sources([0])), givens.ofNoInput)
    let nodes = try compiling { () throws(NotMine) in
      var nodes: [Node] = []
      for index in schema.fields.indices { nodes.append(try compiler.column(index)) }
      return nodes
    }
    let table = GroupTable(nodes)
    table.checkpoint = morsels.checkpoint
    var isRight: [Bool] = []
    let frame = Frame()
    func enter(_ batches: [RecordBatch], _ body: (UnsafePointer<UInt32>, Int) -> Void) throws(QueryError) {
      for batch in batches {
        frame.enter(Block(origin: .batch(batch), rows: 0..<batch.count, tombstones: nil))
        for start in stride(from: 0, to: batch.count, by: vectorSize) {
          if start & 0xFFFF == 0 { try morsels.check() }
          frame.select(start..<min(start + vectorSize, batch.count))
          body(try table.assign(frame, position: 0), frame.count)
        }
        try morsels.check()
        if table.byteCount > options.memoryLimit { throw memoryError() }
      }
    }
    try enter(left) { _, _ in }
    let leftCount = table.count
    isRight = [Bool](repeating: false, count: leftCount)
    try enter(right) { groups, count in
      for i in 0..<count where Int(groups[i]) < leftCount { isRight[Int(groups[i])] = true }
    }
    let groups = try table.sortedGroups().filter { group in
      switch operation {
      case .intersect: Int(group) < leftCount && isRight[Int(group)]
      case .except: Int(group) < leftCount && !isRight[Int(group)]
      default: true
      }
    }
    return try parts(groups) { groups throws(QueryError) in
      var columns: [Column] = []
      for (i, field) in schema.fields.enumerated() {
        columns.append(try table.column(i, groups, type: field.type))
      }
      return try data { () throws(DataError) in
        try RecordBatch(schema: schema, columns: columns, count: groups.count)
      }
    }
  }
}
