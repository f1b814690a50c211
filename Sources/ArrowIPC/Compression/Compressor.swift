// Buffers compressed and decompressed by libzstd and liblz4, with the length prefix of the format.

import CLZ4
import CZstd
import Memory

/// The length of the prefix of every compressed buffer: its uncompressed length, or -1 when it is stored as it is.
private let prefixSize = 8

/// Compresses buffers; keeps the library's context for the next one.
final class Compressor: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): its users see to it that one thread at a time calls it; the context has no other state.
  private let codec: Codec
  private let level: Int32
  /// The zstd context; nil for LZ4.
  private let context: OpaquePointer?

  init(_ codec: Codec, level: Int) {
    precondition(codec.levels.contains(level), "\(codec) has no level \(level)")
    self.codec = codec
    self.level = Int32(level)
    context = codec == .zstd ? ZSTD_createCCtx() : nil
    precondition(codec == .lz4 || context != nil, "out of memory")
  }

  deinit { ZSTD_freeCCtx(context) }

  /// The prefix and the compressed bytes; the bytes as they are when compressing does not make them fewer. The pieces are
  /// those of a gather list.
  func compress(_ buffer: Buffer) throws(DataError) -> [Buffer] {
    guard buffer.count > 0 else { return [] }
    let bound: Int
    var preferences = LZ4F_preferences_t()
    switch codec {
    case .zstd: bound = ZSTD_compressBound(buffer.count)
    case .lz4:
      // Blocks of 4 MiB: fewer calls than the default of 64 KiB, and matches reach just as far.
      preferences.frameInfo.blockSizeID = LZ4F_max4MB
      preferences.frameInfo.contentSize = UInt64(buffer.count)
      // Level 0 is LZ4's fast mode; 1 and 2 of this scale mean it too.
      preferences.compressionLevel = level < 3 ? 0 : level
      bound = LZ4F_compressFrameBound(buffer.count, &preferences)
    }
    let memory = try HeapMemory(capacity: prefixSize + bound)
    let target = memory.base + prefixSize
    let written: Int
    switch codec {
    case .zstd:
      written = ZSTD_compressCCtx(context, target, bound, buffer.base, buffer.count, level)
      guard ZSTD_isError(written) == 0 else {
        throw DataError(.limit, "zstd: \(String(cString: ZSTD_getErrorName(written)))")
      }
    case .lz4:
      written = LZ4F_compressFrame(target, bound, buffer.base, buffer.count, &preferences)
      guard LZ4F_isError(written) == 0 else {
        throw DataError(.limit, "lz4: \(String(cString: LZ4F_getErrorName(written)))")
      }
    }
    guard written < buffer.count else { return [Compressor.stored, buffer] }
    memory.base.storeBytes(of: Int64(buffer.count), as: Int64.self)
    return [Buffer(owner: memory, base: UnsafeRawPointer(memory.base), count: prefixSize + written)]
  }

  private static let stored = Buffer(copying: [Int64(-1)])
}

/// A buffer of a compressed body: how long it will be, and the bytes of its compressed form.
struct CompressedBuffer {
  /// The bytes that follow the prefix.
  let source: Buffer
  /// How many bytes it stands for; nil when it is stored as it is.
  let length: Int?

  /// Reads the prefix.
  /// - Throws: `.malformed` for lengths that cannot be true: they would be allocated before the codec sees the fault.
  init(_ buffer: Buffer, _ codec: Codec) throws(DataError) {
    guard buffer.count > 0 else {
      (source, length) = (.empty, nil)
      return
    }
    guard buffer.count >= prefixSize else {
      throw DataError(.malformed, "a compressed buffer of \(buffer.count) bytes has no room for its length")
    }
    let length = Int(buffer.load(at: 0, as: Int64.self))
    source = buffer.slice(prefixSize..<buffer.count)
    if length == -1 {
      self.length = nil
      return
    }
    guard length >= 0, length / codec.maximumRatio <= source.count + 64 else {
      throw DataError(.malformed, "\(source.count) compressed bytes claim to stand for \(length)")
    }
    self.length = length
  }
}

extension Codec {
  /// The most bytes that a compressed byte can stand for: a zstd block of 128 KiB may be 4 bytes long, an LZ4 length byte
  /// counts to 255.
  fileprivate var maximumRatio: Int { self == .zstd ? 1 << 15 : 255 }
}

/// Decompresses buffers; keeps the libraries' contexts for the next one.
final class Decompressor: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): as for `Compressor`.
  private let codec: Codec
  private let zstd: OpaquePointer?
  private var lz4: OpaquePointer?

  init(_ codec: Codec) {
    self.codec = codec
    zstd = codec == .zstd ? ZSTD_createDCtx() : nil
    if codec == .lz4 { LZ4F_createDecompressionContext(&lz4, UInt32(LZ4F_VERSION)) }
    precondition(zstd != nil || lz4 != nil, "out of memory")
  }

  deinit {
    ZSTD_freeDCtx(zstd)
    if let lz4 { LZ4F_freeDecompressionContext(lz4) }
  }

  /// Writes the `length` bytes that a buffer stands for to `target`.
  func decompress(_ source: Buffer, to target: UnsafeMutableRawPointer, length: Int) throws(DataError) {
    guard length > 0 else { return }
    let written =
      switch codec {
      case .zstd: try decompressZstd(source, target, length)
      case .lz4: try decompressLZ4(source, target, length)
      }
    guard written == length else {
      throw DataError(.malformed, "\(codec) data of \(written) bytes, where \(length) are declared")
    }
  }

  private func decompressZstd(
    _ source: Buffer, _ target: UnsafeMutableRawPointer, _ length: Int
  ) throws(DataError) -> Int {
    let written = ZSTD_decompressDCtx(zstd, target, length, source.base, source.count)
    guard ZSTD_isError(written) == 0 else {
      throw DataError(.malformed, "zstd: \(String(cString: ZSTD_getErrorName(written)))")
    }
    return written
  }

  private func decompressLZ4(
    _ source: Buffer, _ target: UnsafeMutableRawPointer, _ length: Int
  ) throws(DataError) -> Int {
    // The target stays where it is until the frame is complete, so LZ4 need not keep a copy of what it wrote.
    var options = LZ4F_decompressOptions_t()
    options.stableDst = 1
    var written = 0
    var read = 0
    while true {
      var room = length - written
      var available = source.count - read
      let hint = LZ4F_decompress(lz4, target + written, &room, source.base + read, &available, &options)
      guard LZ4F_isError(hint) == 0 else {
        LZ4F_resetDecompressionContext(lz4)
        throw DataError(.malformed, "lz4: \(String(cString: LZ4F_getErrorName(hint)))")
      }
      written += room
      read += available
      if hint == 0 { return written }
      guard room > 0 || available > 0 else {
        LZ4F_resetDecompressionContext(lz4)
        throw DataError(.malformed, "an lz4 frame that does not end within its buffer")
      }
    }
  }
}
