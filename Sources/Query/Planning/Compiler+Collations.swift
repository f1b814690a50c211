// Collating sequences: texts become keys whose bytes are in the order of the collation, and are compared, grouped and sorted by those.

import Memory
import SQL

extension Compiler {
  /// What a text is compared by; any other value as it is.
  func collated(_ node: Node, _ collation: Collation) throws(NotMine) -> Node {
    // Collations of the program's own are unknown here. Times have no letters, and no spaces at their end.
    guard collation != .binary, node.kind == .text else { return node }
    if case .custom(let name) = collation { throw NotMine("the collation \(name)") }
    if case .text(let text)? = node.constant {
      let arena = ByteArena()
      return ConstantNode(.text(text.withUnsafeBytes { Array(Text.key($0, collation, arena)) }))
    }
    return TextNode([node]) { vectors, row, arena in Text.key(vectors[0].slices[row], collation, arena) }
  }
}

extension Text {
  /// Bytes in the order of the collation; those of texts that it takes for equal are equal.
  static func key(_ text: UnsafeRawBufferPointer, _ collation: Collation, _ arena: ByteArena)
    -> UnsafeRawBufferPointer
  {
    if collation == .rtrim { return trimmed(text, left: false, right: true) }
    let isPlain = !text.contains { $0 == 0 || $0 &- 0x41 < 26 }
    guard collation == .nocase, !isPlain else { return text }
    guard let end = text.firstIndex(of: 0) else { return mapped(text, arena, isUpper: false) }
    // NOCASE reads up to a NUL; of texts that are equal until there the longer one is greater.
    let head = mapped(UnsafeRawBufferPointer(rebasing: text[..<end]), arena, isUpper: false)
    let key = arena.allocate(end + 9)
    if let base = head.baseAddress { key.copyMemory(from: base, byteCount: end) }
    key.storeBytes(of: 0, toByteOffset: end, as: UInt8.self)
    key.storeBytes(of: UInt64(text.count).bigEndian, toByteOffset: end + 1, as: UInt64.self)
    return UnsafeRawBufferPointer(start: key, count: end + 9)
  }
}
