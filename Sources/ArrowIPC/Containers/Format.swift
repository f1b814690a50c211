// What a file is, by its first bytes; and what to say of those that are not Arrow data.

import Arrow
import Memory

/// The two containers of IPC messages.
public enum ContainerFormat: String, Sendable {
  /// Messages and a footer: any batch at once. Also called Feather V2.
  case file
  /// Messages one after another.
  case stream

  /// What the bytes begin like.
  public static func detect(_ contents: Buffer) -> ContainerFormat {
    contents.count >= 6 && contents.slice(0..<6).array == fileMagic ? .file : .stream
  }
}

/// Throws for bytes that are some other well-known format, by its name.
func checkFormat(_ contents: Buffer) throws(DataError) {
  func begins(_ bytes: [UInt8]) -> Bool {
    contents.count >= bytes.count && contents.slice(0..<bytes.count).array == bytes
  }
  let others: [([UInt8], String)] = [
    (
      Array("FEA1".utf8), "a Feather V1 file; Fletch reads Feather V2 (write it again with a current library)"
    ),
    (Array("PAR1".utf8), "a Parquet file, not an Arrow one"),
    ([0x28, 0xB5, 0x2F, 0xFD], "compressed with zstd as a whole; decompress it first"),
    ([0x04, 0x22, 0x4D, 0x18], "compressed with LZ4 as a whole; decompress it first"),
    ([0x1F, 0x8B], "compressed with gzip as a whole; decompress it first"),
  ]
  guard contents.count > 0 else { throw DataError(.malformed, "the file is empty") }
  for (magic, name) in others where begins(magic) {
    throw DataError(.unsupported, "this is \(name)", offset: 0)
  }
}

/// Opens the file or stream at a path, or on standard input for `-`, whichever it is.
/// A regular file is mapped. A file in a pipe is read whole, since its footer comes last; a stream as it comes in.
public func openBatches(
  path: String, options: ReadOptions = ReadOptions()
) throws(DataError) -> (reader: any BatchReader, format: ContainerFormat, size: Int) {
  guard path != "-" else { return try openStandardInput(options: options) }
  let file = try MappedFile(path: path)
  do throws(DataError) {
    let contents = file.contents
    try checkFormat(contents)
    let format = ContainerFormat.detect(contents)
    switch format {
    case .file: return (FileBatchReader(try FileReader(contents, options: options)), format, contents.count)
    case .stream: return (try StreamReader(contents, options: options), format, contents.count)
    }
  } catch {
    throw error.within("'\(path)'")
  }
}

private func openStandardInput(
  options: ReadOptions
) throws(DataError) -> (reader: any BatchReader, format: ContainerFormat, size: Int) {
  let input = FileDescriptor.standardInput
  do throws(DataError) {
    var first = DescriptorSource(input, budget: MemoryBudget(limit: .max))
    let magic = try first.take(8)
    try checkFormat(magic)
    switch ContainerFormat.detect(magic) {
    case .stream: return (try StreamReader(input, after: magic, options: options), .stream, 0)
    case .file:
      var contents = GrowableBuffer()
      contents.append(contentsOf: magic.bytes)
      while true {
        let more = try first.take(1 << 20)
        if more.count == 0 { break }
        guard contents.count + more.count <= options.memoryLimit else {
          throw DataError(
            .limit,
            "a file from a pipe is held in memory, and this passes the limit of \(options.memoryLimit) bytes")
        }
        contents.append(contentsOf: more.bytes)
      }
      let file = contents.freeze()
      return (FileBatchReader(try FileReader(file, options: options)), .file, file.count)
    }
  } catch {
    throw error.within("standard input")
  }
}
