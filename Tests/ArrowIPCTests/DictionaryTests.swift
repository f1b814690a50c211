// Dictionaries that change from batch to batch: replaced or extended in streams, merged in files.

import Arrow
import Memory
import Samples
import Testing

@testable import ArrowIPC

@Suite struct DictionaryTests {
  /// What each message after the schema brings: dictionaries as "d0" or "+d0" for a delta, batches as "b".
  private func events(_ batches: [RecordBatch], _ options: WriteOptions = WriteOptions()) throws -> (
    String, [RecordBatch]
  ) {
    var encoder = try IPCEncoder(schema: batches[0].schema, options: options)
    var decoder = IPCDecoder()
    func decode(_ message: EncodedMessage) throws -> IPCDecoder.Event {
      var body = GrowableBuffer()
      for buffer in message.body { body.append(contentsOf: buffer.bytes) }
      return try decoder.decode(header: Buffer(copying: message.header), body: body.freeze())
    }
    _ = try decode(encoder.schemaMessage())
    var (names, read): ([String], [RecordBatch]) = ([], [])
    for batch in batches {
      for message in try encoder.encode(batch) {
        switch try decode(message) {
        case .schema: names.append("schema")
        case .dictionary(let id, let isDelta): names.append((isDelta ? "+d" : "d") + String(id))
        case .batch(let batch):
          names.append("b")
          read.append(batch)
        }
      }
    }
    return (names.joined(separator: " "), read)
  }

  private let growing = [["a", "b", nil, "a"], ["a", "b"], ["a", "b", "c"], ["c", "a"], [], ["z"]]

  @Test func streamsReplaceADictionaryWhenItIsAnother() throws {
    let batches = try dictionaryBatches(growing)
    let (names, read) = try events(batches)
    // The second batch has the same dictionary; that of the fifth is empty.
    #expect(names == "d0 b b d0 b d0 b d0 b d0 b")
    expectEqual(read, batches)
    expectEqual(try ArrowIPCTests.read(try written(batches, .stream), .stream), batches)
  }

  @Test func streamsSendOnlyWhatWasAddedWhenAskedTo() throws {
    let batches = try dictionaryBatches(growing)
    var options = WriteOptions()
    options.sendsDictionaryDeltas = true
    let (names, read) = try events(batches, options)
    #expect(names == "d0 b b +d0 b d0 b d0 b +d0 b")
    expectEqual(read, batches)
    // A batch that was read keeps the dictionary that it came with.
    #expect(read[0].columns[0].children[0].count == 2)
  }

  @Test(arguments: 0..<10)
  func filesMergeDictionariesOfAnyOrder(seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    let words = (0..<20).map { "word \($0)" } + [""]
    let batches = try dictionaryBatches(
      (0..<6).map { _ in
        (0..<random.below(30)).map { _ in random.oneIn(5) ? nil : random.pick(words) }
      })
    let bytes = try written(batches, .file)
    expectEqual(try read(bytes, .file), batches)
    // One dictionary for all, each value in it once.
    let values = try FileReader(bytes).batch(0).columns[0].children[0]
    #expect(values.count == Set((0..<values.count).map { values.string(at: $0) }).count)
  }

  @Test func filesThatTheirIndicesCannotCountAreErrorsAndStreamsGoOn() throws {
    let batches = try dictionaryBatches([(0..<100).map { "a\($0)" }, (0..<100).map { "b\($0)" }])
    let error = #expect(throws: DataError.self) { try written(batches, .file) }
    #expect(error?.code == .limit)
    #expect(error?.message.contains("column 'd'") == true)
    expectEqual(try read(try written(batches, .stream), .stream), batches)
    let fitting = try dictionaryBatches([(0..<100).map { "a\($0)" }, (72..<128).map { "a\($0)" }])
    expectEqual(try read(try written(fitting, .file), .file), fitting)
  }

  /// Lists of dictionary values as a dictionary: the outer values refer to the inner ones by index.
  private func nestedBatches(_ batches: [[[String]]]) throws -> [RecordBatch] {
    let inner = DataType.dictionary(indices: .int8, values: .utf8, isOrdered: false)
    let list = DataType.list(Field("item", inner))
    let outer = DataType.dictionary(indices: .int32, values: list, isOrdered: false)
    return try batches.map { lists in
      let builder = DictionaryBuilder(type: outer)
      let values = ListBuilder<Int32>(type: list)
      for words in lists {
        for word in words {
          try values.child.append(try dictionaryBatches([[word]])[0].columns[0])
        }
        try values.closeList()
      }
      let column = values.finish()
      for row in 0..<column.count { try builder.append(value: column, at: row) }
      return try RecordBatch(schema: Schema([Field("o", outer)]), columns: [builder.finish()])
    }
  }

  @Test func anInnerDictionaryThatIsReplacedTakesTheOuterAlong() throws {
    // The outer values are equal as they stand, but mean other indices once the inner dictionary is another.
    let batches = try nestedBatches([[["a", "b"], ["b"]], [["b", "a"], ["a"]], [["b", "a"], ["a"]]])
    let (names, read) = try events(batches)
    #expect(names == "d1 d0 b d1 d0 b b")
    expectEqual(read, batches)
    for container in Container.allCases {
      expectEqual(try ArrowIPCTests.read(try written(batches, container), container), batches)
    }
  }

  @Test func outerValuesThatOnlyLookTheSameAreSentAgain() throws {
    let first = try nestedBatches([[["a", "b"], ["b"]]])[0]
    // The same values by other indices, over an inner dictionary in the other order.
    let outer = first.columns[0]
    let list = outer.children[0]
    let inner = list.children[0]
    let words = try Column.concatenating([inner.children[0].slice(1..<2), inner.children[0].slice(0..<1)])
    let turned = try Column(
      type: inner.type, count: 3,
      layout: .dictionary(indices: Buffer(copying: [1, 0, 0] as [Int8]), values: words))
    let second = try RecordBatch(
      schema: first.schema,
      columns: [outer.replacingChildren([list.replacingChildren([turned])])])
    #expect(second.columns[0].hasEqualValues(to: outer))
    let (names, read) = try events([first, second])
    #expect(names == "d1 d0 b d1 d0 b")
    expectEqual(read, [first, second])
    for container in Container.allCases {
      expectEqual(
        try ArrowIPCTests.read(try written([first, second], container), container), [first, second])
    }
  }

  @Test(arguments: Container.allCases, [false, true])
  func nestedDictionariesOfAnyContentComeBack(container: Container, deltas: Bool) throws {
    var random = RandomSource(seed: 8)
    let words = ["a", "b", "c", "d", "e"]
    for _ in 0..<8 {
      let batches = try nestedBatches(
        (0..<4).map { _ in
          (0..<random.below(5)).map { _ in (0..<random.below(4)).map { _ in random.pick(words) } }
        })
      var options = WriteOptions(codec: random.oneIn(2) ? .zstd : nil)
      options.sendsDictionaryDeltas = deltas
      expectEqual(try read(try written(batches, container, options), container), batches)
    }
  }

  @Test func aBatchThatNeedsADictionaryThatNeverCameIsAnError() throws {
    let batches = try dictionaryBatches([["a"]])
    var encoder = try IPCEncoder(schema: batches[0].schema)
    let schema = try encoder.schemaMessage()
    let batch = try encoder.encode(batches[0]).last!
    var decoder = IPCDecoder()
    _ = try decoder.decode(header: Buffer(copying: schema.header), body: .empty)
    var body = GrowableBuffer()
    for buffer in batch.body { body.append(contentsOf: buffer.bytes) }
    let frozen = body.freeze()
    let error = #expect(throws: DataError.self) {
      try decoder.decode(header: Buffer(copying: batch.header), body: frozen)
    }
    #expect(error?.code == .malformed)
    #expect(error?.message.contains("dictionary 0") == true)
    // All of it null: then no value is needed.
    let nulls = try dictionaryBatches([[nil, nil]])
    expectEqual(try read(try written(nulls, .stream), .stream), nulls)
  }

  @Test func dictionariesThatGrowPastTheRowLimitAreRefused() throws {
    var options = WriteOptions()
    options.sendsDictionaryDeltas = true
    let batches = try dictionaryBatches([["a", "b", "c"], ["a", "b", "c", "d"]])
    let bytes = try written(batches, .stream, options)
    var reading = ReadOptions()
    reading.maximumRows = 4
    #expect(try read(bytes, .stream, reading).count == 2)
    reading.maximumRows = 3
    let error = #expect(throws: DataError.self) { try read(bytes, .stream, reading) }
    #expect(error?.code == .limit)
  }
}
