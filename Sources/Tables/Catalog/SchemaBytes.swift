// An Arrow schema as bytes: an IPC stream without batches, which any Arrow library reads.

import Arrow
import ArrowIPC
import Memory

enum SchemaBytes {
  static func encode(_ schema: Schema) throws(DataError) -> [UInt8] {
    let sink = MemorySink()
    let writer = try StreamWriter(sink, schema: schema)
    try writer.finish()
    return sink.finish().array
  }

  static func decode(_ bytes: [UInt8]) throws(DataError) -> Schema {
    try StreamReader(Buffer(copying: bytes)).schema
  }
}
