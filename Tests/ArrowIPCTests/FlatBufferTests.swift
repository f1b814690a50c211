// FlatBuffers as they are written and read, and metadata that was made to harm.

import Arrow
import Memory
import Samples
import Testing

@testable import ArrowIPC

@Suite struct FlatBufferTests {
  @Test(arguments: 0..<20)
  func whatIsBuiltIsRead(seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    var builder = FlatBufferBuilder()
    let bytes = (0..<random.below(20)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
    let words = (0..<random.below(6)).map { _ in Int64(bitPattern: random.next()) }
    let small = (0..<random.below(6)).map { _ in Int32(truncatingIfNeeded: random.next()) }
    let structs = (0..<2 * random.below(5)).map { _ in Int64(bitPattern: random.next()) }
    let stringPlace = builder.string(bytes)
    let wordPlace = builder.vector(of: words)
    let smallPlace = builder.vector(of: small)
    let structPlace = builder.vector(ofStructs: structs, words: 2)
    builder.startTable()
    let innerValue = Int16(truncatingIfNeeded: random.next())
    builder.add(3, innerValue, default: 0)
    let inner = builder.endTable()
    let tables = builder.vector(ofOffsets: [inner, inner])
    let (byte, long) = (UInt8(truncatingIfNeeded: random.next()), Int64(bitPattern: random.next()))
    builder.startTable()
    builder.add(0, byte, default: 7)
    builder.add(1, offset: stringPlace)
    builder.add(2, long, default: 0)
    builder.add(3, offset: wordPlace)
    builder.add(4, offset: smallPlace)
    builder.add(5, offset: structPlace)
    builder.add(6, offset: inner)
    builder.add(7, offset: tables)
    builder.add(8, Int32(5), default: 5)
    builder.add(9, offset: nil)
    let root = builder.endTable()
    let finished = Buffer(copying: builder.finish(root: root))
    #expect(finished.count % 8 == 0)

    let table = try FlatTable.root(of: finished)
    #expect(try table.scalar(0, default: UInt8(7)) == byte)
    #expect(try table.bytes(1) == bytes)
    #expect(try table.scalar(2, default: Int64(0)) == long)
    let readWords = try table.vector(3, stride: 8)
    #expect((0..<readWords.count).map { readWords.load($0, as: Int64.self) } == words)
    // Aligned for readers that do not copy.
    #expect(readWords.start % 8 == 0)
    let readSmall = try table.vector(4, stride: 4)
    #expect((0..<readSmall.count).map { readSmall.load($0, as: Int32.self) } == small)
    let readStructs = try table.vector(5, stride: 16)
    #expect(readStructs.count == structs.count / 2 && readStructs.start % 8 == 0)
    for i in 0..<readStructs.count {
      #expect(readStructs.load(i, as: Int64.self) == structs[2 * i])
      #expect(readStructs.load(i, offset: 8, as: Int64.self) == structs[2 * i + 1])
    }
    #expect(try table.requiredTable(6, "inner").scalar(3, default: Int16(0)) == innerValue)
    #expect(try table.tables(7).count == 2)
    // Absent: written as its default, as nothing, or beyond the vtable.
    #expect(try table.scalar(8, default: Int32(5)) == 5)
    #expect(try table.table(9) == nil && table.bytes(40) == nil && table.vector(40, stride: 8).count == 0)
    #expect(throws: DataError.self) { try table.requiredTable(9, "table") }
  }

  @Test func schemasOfEveryTypeSurvive() throws {
    let schema = AllTypes.schema
    let message = try IPCEncoder(schema: schema).schemaMessage()
    var decoder = IPCDecoder()
    guard case .schema(let read) = try decoder.decode(header: Buffer(copying: message.header), body: .empty)
    else {
      Issue.record("not a schema")
      return
    }
    #expect(read == schema)
  }

  @Test(arguments: 0..<4)
  func damagedMetadataIsAnErrorOrAnotherSchemaNeverATrap(seed: UInt64) throws {
    var random = RandomSource(seed: seed)
    let header = try IPCEncoder(schema: AllTypes.schema).schemaMessage().header
    var refused = 0
    for _ in 0..<250 {
      var damaged = header
      for _ in 0..<1 + random.below(4) {
        damaged[random.below(header.count)] = UInt8(truncatingIfNeeded: random.next())
      }
      var decoder = IPCDecoder()
      if (try? decoder.decode(header: Buffer(copying: damaged), body: .empty)) == nil { refused += 1 }
    }
    #expect(refused > 0)
  }

  @Test func metadataThatUnfoldsToMuchMoreThanItsBytesIsRefused() throws {
    // Many entries that are all the same table, with one long value.
    var builder = FlatBufferBuilder()
    let text = builder.string([UInt8](repeating: 0x61, count: 400_000))
    builder.startTable()
    builder.add(0, offset: text)
    builder.add(1, offset: text)
    let entry = builder.endTable()
    let entries = builder.vector(ofOffsets: [Int](repeating: entry, count: 20_000))
    builder.startTable()
    builder.add(2, offset: entries)
    let schema = builder.endTable()
    let message = Buffer(copying: schemaMessage(&builder, schema))
    let error = #expect(throws: DataError.self) {
      var decoder = IPCDecoder()
      _ = try decoder.decode(header: message, body: .empty)
    }
    #expect(error?.code == .malformed)
  }

  @Test func unionsThatShareOneLongListOfIdsAreRefusedAtTheFirst() throws {
    var builder = FlatBufferBuilder()
    let ids = builder.vector(of: [Int32](repeating: 1, count: 50_000))
    builder.startTable()
    builder.add(1, offset: ids)
    let type = builder.endTable()
    builder.startTable()
    builder.add(2, TypeKind.union.rawValue, default: 0)
    builder.add(3, offset: type)
    let field = builder.endTable()
    let fields = builder.vector(ofOffsets: [Int](repeating: field, count: 10))
    builder.startTable()
    builder.add(1, offset: fields)
    let schema = builder.endTable()
    let message = Buffer(copying: schemaMessage(&builder, schema))
    let error = #expect(throws: DataError.self) { _ = try Message(decoding: message) }
    // Found where it is read, so with its place: not after all of the copies were made.
    #expect(error?.code == .malformed && error?.offset != nil)
  }

  @Test func bigEndianDataIsRefusedByName() throws {
    var builder = FlatBufferBuilder()
    builder.startTable()
    builder.add(0, Int16(1), default: 0)
    let schema = builder.endTable()
    let message = Buffer(copying: schemaMessage(&builder, schema))
    let error = #expect(throws: DataError.self) { _ = try Message(decoding: message) }
    #expect(error?.code == .unsupported)
    #expect(error?.message.contains("big-endian") == true)
  }

  @Test(arguments: [Int16(0), 1, 2, 5, -1])
  func metadataVersionsBeforeAndAfterThoseKnownAreRefused(version: Int16) throws {
    var builder = FlatBufferBuilder()
    builder.startTable()
    let schema = builder.endTable()
    let message = Buffer(copying: schemaMessage(&builder, schema, version: version))
    let error = #expect(throws: DataError.self) { _ = try Message(decoding: message) }
    #expect(error?.code == .unsupported)
  }

  private func schemaMessage(_ builder: inout FlatBufferBuilder, _ schema: Int, version: Int16 = 4) -> [UInt8]
  {
    builder.startTable()
    builder.add(0, version, default: 0)
    builder.add(1, UInt8(1), default: 0)
    builder.add(2, offset: schema)
    let root = builder.endTable()
    return builder.finish(root: root)
  }
}
