// Batches into memory and back, and what tests look at on the way.

import Arrow
import ArrowIPC
import Memory
import Samples
import Testing

enum Container: CaseIterable, Sendable { case stream, file }

func written(
  _ batches: [RecordBatch], _ container: Container, _ options: WriteOptions = WriteOptions()
) throws -> Buffer {
  let sink = MemorySink()
  let schema = batches[0].schema
  let writer: any BatchWriter =
    switch container {
    case .stream: try StreamWriter(sink, schema: schema, options: options)
    case .file: try FileWriter(sink, schema: schema, options: options)
    }
  for batch in batches { try writer.write(batch) }
  try writer.finish()
  return sink.finish()
}

func reader(_ contents: Buffer, _ container: Container, _ options: ReadOptions = ReadOptions()) throws
  -> any BatchReader
{
  switch container {
  case .stream: try StreamReader(contents, options: options)
  case .file: FileBatchReader(try FileReader(contents, options: options))
  }
}

extension BatchReader {
  /// Every batch that is left, checked.
  mutating func all() throws -> [RecordBatch] {
    var batches: [RecordBatch] = []
    while let batch = try next() {
      try batch.check(.full)
      batches.append(batch)
    }
    return batches
  }
}

func read(
  _ contents: Buffer, _ container: Container, _ options: ReadOptions = ReadOptions()
) throws -> [RecordBatch] {
  var reader = try reader(contents, container, options)
  return try reader.all()
}

func expectEqual(
  _ got: [RecordBatch], _ expected: [RecordBatch], at location: SourceLocation = #_sourceLocation
) {
  #expect(got.map(\.count) == expected.map(\.count), sourceLocation: location)
  for (batch, other) in zip(got, expected) {
    #expect(batch.schema == other.schema, sourceLocation: location)
    for (i, (column, wanted)) in zip(batch.columns, other.columns).enumerated() {
      #expect(column.hasEqualValues(to: wanted), "column \(i), \(column.type)", sourceLocation: location)
    }
  }
}

func sampleBatches(_ count: Int, rows: Int, seed: UInt64 = 1) throws -> [RecordBatch] {
  var sample = AllTypes(seed: seed)
  return try (0..<count).map { _ in try sample.batch(rows: rows) }
}

extension Column {
  /// Every buffer that holds anything, of this column and its children.
  var allBuffers: [Buffer] {
    let own: [Buffer] =
      switch layout {
      case .null, .fixedList, .structure, .runs: []
      case .bits(let bits): [bits.buffer]
      case .fixed(let values): [values]
      case .variable(let offsets, let bytes): count == 0 ? [] : [offsets, bytes]
      case .views(let views, let data): [views] + data
      case .list(let offsets, _): count == 0 ? [] : [offsets]
      case .listView(let offsets, let sizes, _): [offsets, sizes]
      case .union(let ids, let offsets, _): [ids] + (offsets.map { [$0] } ?? [])
      case .dictionary(let indices, _): [indices]
      }
    return ((validity.map { [$0.buffer] } ?? []) + own).filter { $0.count > 0 }
      + children.flatMap(\.allBuffers)
  }
}

extension Buffer {
  func lies(within other: Buffer) -> Bool { base >= other.base && base + count <= other.base + other.count }

  /// The same bytes at an address that is `shift` past a multiple of 64.
  func moved(by shift: Int) throws -> Buffer {
    let memory = try HeapMemory(capacity: count + shift)
    (memory.base + shift).copyMemory(from: base, byteCount: count)
    return Buffer(owner: memory, base: memory.base + shift, count: count)
  }
}

/// Batches of one dictionary column each.
func dictionaryBatches(_ batches: [[String?]], indices: IntegerType = .int8) throws -> [RecordBatch] {
  let type = DataType.dictionary(indices: indices, values: .utf8, isOrdered: false)
  return try batches.map { values in
    let builder = DictionaryBuilder(type: type)
    for value in values {
      guard let value else {
        builder.appendNull()
        continue
      }
      let text = BinaryBuilder<Int32>(type: .utf8)
      try text.append(value)
      try builder.append(value: text.finish(), at: 0)
    }
    return try RecordBatch(schema: Schema([Field("d", type)]), columns: [builder.finish()])
  }
}
