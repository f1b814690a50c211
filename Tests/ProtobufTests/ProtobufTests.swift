// Protocol Buffers: what is written is read again, and what is damaged is an error.

import Memory
import Protobuf
import Testing

@Suite struct ProtobufTests {
  private func fields(_ bytes: [UInt8]) throws -> [ProtobufField] {
    var reader = ProtobufReader(Buffer(copying: bytes))
    var fields: [ProtobufField] = []
    while let field = try reader.next() { fields.append(field) }
    return fields
  }

  @Test(arguments: [0, 1, 127, 128, 300, -1, .max, .min, 1 << 35])
  func integersComeBack(value: Int64) throws {
    var writer = ProtobufWriter()
    writer.integer(7, value, isPresent: true)
    let read = try fields(writer.bytes)
    #expect(read.count == 1 && read[0].number == 7)
    #expect(try read[0].integer() == value)
  }

  @Test func repeatedNumbersComePackedOrOneByOne() throws {
    var writer = ProtobufWriter()
    // The example of protobuf.dev/programming-guides/encoding.
    writer.integers(6, [3, 270, 86_942])
    #expect(writer.bytes == [0x32, 0x06, 0x03, 0x8E, 0x02, 0x9E, 0xA7, 0x05])
    writer.integer(6, -1)
    writer.integers(6, [])
    #expect(try fields(writer.bytes).flatMap { try $0.integers() } == [3, 270, 86_942, -1])
    #expect(throws: DataError.self) { try fields([0x32, 0x02, 0x03, 0x8E])[0].integers() }
    writer = ProtobufWriter()
    writer.fixed64(1, 0x0102)
    writer.fixed64(2, 0)
    #expect(writer.bytes == [0x09, 2, 1, 0, 0, 0, 0, 0, 0])
    #expect(try fields(writer.bytes)[0].fixed64() == 0x0102)
    #expect(throws: DataError.self) { try fields([0x08, 1])[0].fixed64() }
  }

  @Test func aMessageHasTheBytesOfTheSpecification() {
    // The examples of protobuf.dev/programming-guides/encoding.
    var writer = ProtobufWriter()
    writer.integer(1, 150)
    #expect(writer.bytes == [0x08, 0x96, 0x01])
    writer = ProtobufWriter()
    writer.string(2, "testing")
    #expect(writer.bytes == [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6E, 0x67])
    writer = ProtobufWriter()
    writer.message(3) { $0.integer(1, 150) }
    #expect(writer.bytes == [0x1A, 0x03, 0x08, 0x96, 0x01])
  }

  @Test func whatIsAbsentIsNotWritten() throws {
    var writer = ProtobufWriter()
    writer.integer(1, 0)
    writer.string(2, "")
    writer.bool(3, false)
    #expect(writer.bytes.isEmpty)
    writer.string(2, "", isPresent: true)
    writer.message(4) { _ in }
    #expect(try fields(writer.bytes).map(\.number) == [2, 4])
  }

  @Test func stringsAreSlicesOfTheMessage() throws {
    var writer = ProtobufWriter()
    writer.string(1, "Zoë 🏹")
    let message = Buffer(copying: writer.bytes)
    var reader = ProtobufReader(message)
    let field = try #require(try reader.next())
    #expect(try field.string() == "Zoë 🏹")
    #expect(try field.bytes().base == message.base + 2)
  }

  @Test(
    arguments: [
      [0x08], [0x08, 0x80], [0x12, 0x05, 0x61], [0x09, 1, 2, 3], [0x0D, 1], [0x00, 0x01], [0x0B], [0x0C],
      [0x0F],
      [0x12, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
      [0x08, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02],
      [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
    ] as [[UInt8]])
  func damageIsAnError(bytes: [UInt8]) {
    #expect(throws: DataError.self) { try fields(bytes) }
  }

  @Test func wrongKindsAreErrors() throws {
    var writer = ProtobufWriter()
    writer.integer(1, 5)
    writer.bytes(2, [0xFF, 0xFE])
    let read = try fields(writer.bytes)
    #expect(throws: DataError.self) { try read[0].bytes() }
    #expect(throws: DataError.self) { try read[1].integer() }
    #expect(throws: DataError.self) { try read[1].string() }
  }
}
