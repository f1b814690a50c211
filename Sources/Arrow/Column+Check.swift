// Whether the content of a column from outside holds together: offsets, indices, run ends and views stay inside.

import Memory

/// How far a column's content has been checked.
public enum CheckLevel: UInt8, Sendable, Comparable {
  /// Sizes and counts; what every column satisfies.
  case structure
  /// Every value can be read without leaving the buffers.
  case access
  /// Also what readers of values rely on: UTF-8, decimals within their precision, null counts, keys of maps not null.
  case full

  public static func < (left: CheckLevel, right: CheckLevel) -> Bool { left.rawValue < right.rawValue }
}

extension Column {
  /// Checks the content, in one pass over offsets and indices (`.access`) or over nearly all bytes (`.full`).
  /// A column remembers what it passed, and its slices inherit it.
  public func check(_ level: CheckLevel) throws(DataError) {
    if passedLevel.load(ordering: .acquiring) >= level.rawValue { return }
    for (child, name) in zip(children, childNames) {
      do throws(DataError) { try child.check(level) } catch { throw error.within(name) }
    }
    switch layout {
    case .null, .bits, .structure, .fixedList: break
    case .fixed: if level == .full { try checkDecimals() }
    case .variable(let offsets, let bytes):
      try checkOffsets(offsets, limit: bytes.count, "bytes")
      if level == .full, type.isText { try checkText(offsets, bytes) }
    case .views(let views, let data): try checkViews(views, data, level)
    case .list(let offsets, let child):
      try checkOffsets(offsets, limit: child.count, "items")
      if level == .full, case .map = type { try checkKeys(child) }
    case .listView(let offsets, let sizes, let child): try checkListView(offsets, sizes, limit: child.count)
    case .union(let ids, let offsets, let children): try checkUnion(ids, offsets, children)
    case .dictionary(let indices, let values): try checkIndices(indices, limit: values.count)
    case .runs(let ends, _, let offset): try checkRuns(ends, offset)
    }
    if level == .full, let validity {
      let nulls = count - validity.countOnes()
      let known = knownNullCount.load(ordering: .relaxed)
      guard known < 0 || known == nulls else {
        throw DataError(.malformed, "\(nulls) nulls, where \(known) are declared")
      }
    }
    // Only ever raised: another thread may have passed a higher level meanwhile.
    passedLevel.max(level.rawValue, ordering: .releasing)
  }

  private var childNames: [String] {
    if case .dictionary = layout { return ["dictionary"] }
    return type.children.map { "'\($0.name)'" }
  }

  // MARK: Offsets

  private func checkOffsets(_ offsets: Buffer, limit: Int, _ what: String) throws(DataError) {
    let offsetCount = count + 1
    let fits =
      type.hasLargeOffsets
      ? areOrdered(offsets.values(of: Int64.self), count: offsetCount, limit: limit)
      : areOrdered(offsets.values(of: Int32.self), count: offsetCount, limit: limit)
    if fits { return }
    // Something is wrong: find out what, one by one.
    var before = 0
    for i in 0..<offsetCount {
      let next = offset(i, in: offsets)
      guard next >= before, next <= limit else {
        throw DataError(
          .malformed, "offset \(i) is \(next), after \(before), with \(limit) \(what) to point into")
      }
      before = next
    }
    preconditionFailure("both checks of offsets must agree")
  }

  private func checkListView(_ offsets: Buffer, _ sizes: Buffer, limit: Int) throws(DataError) {
    for i in 0..<count {
      let start = offset(i, in: offsets)
      let size = offset(i, in: sizes)
      // `limit - start` cannot overflow: both are at least 0.
      guard start >= 0, size >= 0, start <= limit, size <= limit - start else {
        throw DataError(.malformed, "list \(i) has \(size) items from \(start) on, of \(limit)")
      }
    }
  }

  // MARK: Views

  private func checkViews(_ views: Buffer, _ data: [Buffer], _ level: CheckLevel) throws(DataError) {
    let values = views.values(of: BinaryViewValue.self)
    for i in 0..<count {
      let view = values[i]
      // What a null's slot holds is arbitrary; whoever copies views must look at validity first.
      if isNull(i) { continue }
      guard view.length >= 0 else { throw DataError(.malformed, "view \(i) is \(view.length) bytes long") }
      if view.isInline { continue }
      guard view.bufferIndex >= 0, view.bufferIndex < data.count, view.offset >= 0,
        view.offset <= data[view.bufferIndex].count,
        view.length <= data[view.bufferIndex].count - view.offset
      else {
        throw DataError(
          .malformed,
          "view \(i) is \(view.length) bytes at \(view.offset) of data buffer \(view.bufferIndex), of \(data.count)"
        )
      }
      if level == .full {
        let prefix = data[view.bufferIndex].load(at: view.offset, as: UInt32.self)
        guard prefix == view.prefix else {
          throw DataError(.malformed, "view \(i) does not begin with the bytes that it names")
        }
      }
    }
    if level == .full, type.isText { try checkViewText(views, data) }
  }

  // MARK: Text

  private func checkText(_ offsets: Buffer, _ bytes: Buffer) throws(DataError) {
    let start = offset(0, in: offsets)
    let used = bytes.slice(start..<offset(count, in: offsets))
    // All of it at once: ASCII may be cut anywhere, other text not inside a character.
    switch UTF8Check.kind(used.bytes) {
    case .ascii: return
    case .utf8:
      let text = used.bytes
      var isCut = false
      for i in 1..<max(count, 1) {
        let place = offset(i, in: offsets) - start
        if place < text.byteCount, text.unsafeLoad(fromByteOffset: place, as: UInt8.self) & 0xC0 == 0x80 {
          isCut = true
          break
        }
      }
      if !isCut { return }
    case .invalid: break
    }
    for i in 0..<count where !isNull(i) {
      let value = self.bytes(at: i)
      guard UTF8Check.isValid(value.bytes) else { throw DataError(.malformed, "value \(i) is not UTF-8") }
    }
  }

  private func checkViewText(_ views: Buffer, _ data: [Buffer]) throws(DataError) {
    let kinds = data.map { UTF8Check.kind($0.bytes) }
    // Views may overlap, so that checking each of them could take any amount of time: that is bounded.
    var allowance = 64 * data.reduce(0) { $0 + $1.count } + 64 * views.count
    let values = views.values(of: BinaryViewValue.self)
    for i in 0..<count where !isNull(i) {
      let view = values[i]
      if !view.isInline {
        switch kinds[view.bufferIndex] {
        case .ascii: continue
        // Inside of good text a value is good if neither of its ends is inside of a character.
        case .utf8 where view.isWholeText(in: data[view.bufferIndex]): continue
        default: break
        }
      }
      allowance -= view.length
      guard allowance >= 0 else {
        throw DataError(.limit, "the views name the same bytes too many times for all of them to be checked")
      }
      let value = bytes(at: i)
      guard UTF8Check.isValid(value.bytes) else { throw DataError(.malformed, "value \(i) is not UTF-8") }
    }
  }

  // MARK: Indices, unions, runs, keys

  private func checkIndices(_ indices: Buffer, limit: Int) throws(DataError) {
    guard case .dictionary(let type, _, _) = type else { preconditionFailure() }
    let fits =
      switch type {
      case .int8, .uint8: areBelow(indices.values(of: UInt8.self), limit, isSigned: type.isSigned)
      case .int16, .uint16: areBelow(indices.values(of: UInt16.self), limit, isSigned: type.isSigned)
      case .int32, .uint32: areBelow(indices.values(of: UInt32.self), limit, isSigned: type.isSigned)
      case .int64, .uint64: areBelow(indices.values(of: UInt64.self), limit, isSigned: type.isSigned)
      }
    if fits { return }
    for i in 0..<count where !isNull(i) {
      let isInside =
        type == .uint64
        ? indices.load(at: i * 8, as: UInt64.self) < UInt64(limit)
        : (0..<limit).contains(Column.integer(in: indices, at: i, type))
      guard isInside else {
        throw DataError(.malformed, "index \(i) points outside of the dictionary's \(limit) values")
      }
    }
  }

  private func checkUnion(_ ids: Buffer, _ offsets: Buffer?, _ children: [Column]) throws(DataError) {
    guard case .union(_, _, let known) = type else { preconditionFailure() }
    // The rows of each type id's child; -1 for ids that do not exist.
    var rows = [Int](repeating: -1, count: 128)
    for (id, child) in zip(known, children) { rows[Int(id)] = child.count }
    for i in 0..<count {
      let id = ids.load(at: i, as: Int8.self)
      guard id >= 0, rows[Int(id)] >= 0 else {
        throw DataError(.malformed, "value \(i) has type id \(id), of \(known)")
      }
      guard let offsets else { continue }
      let row = Int(offsets.load(at: i * 4, as: Int32.self))
      guard row >= 0, row < rows[Int(id)] else {
        throw DataError(.malformed, "value \(i) is row \(row) of a child of \(rows[Int(id)])")
      }
    }
  }

  private func checkRuns(_ ends: Column, _ offset: Int) throws(DataError) {
    var before = 0
    for i in 0..<ends.count {
      let end = ends.integer(at: i)
      guard end > before else { throw DataError(.malformed, "run \(i) ends at \(end), after \(before)") }
      before = end
    }
    guard count == 0 || before >= offset + count else {
      throw DataError(.malformed, "the runs end at row \(before) of \(offset + count)")
    }
  }

  private func checkKeys(_ entries: Column) throws(DataError) {
    guard entries.nullCount == 0, entries.children.first?.nullCount == 0 else {
      throw DataError(.malformed, "a map has entries or keys that are null")
    }
  }

  private func checkDecimals() throws(DataError) {
    guard let (precision, _, width) = type.decimal, case .fixed(let values) = layout else { return }
    let bound = Int256.powerOfTen(precision).magnitude
    for i in 0..<count where !isNull(i) {
      guard Int256(in: values, at: i * width, byteWidth: width).magnitude < bound else {
        throw DataError(.malformed, "value \(i) has more than the \(precision) digits of \(type)")
      }
    }
  }
}

extension BinaryViewValue {
  /// Whether the bytes of this view, which are inside of UTF-8, begin and end between characters.
  fileprivate func isWholeText(in text: Buffer) -> Bool {
    func isBoundary(_ place: Int) -> Bool {
      place == text.count || text.load(at: place, as: UInt8.self) & 0xC0 != 0x80
    }
    return isBoundary(offset) && isBoundary(offset + length)
  }
}

/// Whether offsets only ever grow from at least 0 to at most `limit`; written so that it vectorises.
private func areOrdered<T: FixedWidthInteger & SignedInteger>(_ offsets: Span<T>, count: Int, limit: Int)
  -> Bool
{
  // The sign of `signs` is set when any offset or any step was negative. Steps between offsets that are not negative do
  // not wrap, and a negative offset shows by itself.
  var signs: T = 0
  precondition(count >= 1 && count <= offsets.count)
  for i in 0..<count - 1 { signs |= offsets[i] | (offsets[i + 1] &- offsets[i]) }
  let last = offsets[count - 1]
  return (signs | last) >= 0 && Int(last) <= limit
}

/// Whether every index, null slots included, is below `limit`; negative ones look large as unsigned numbers.
private func areBelow<T: FixedWidthInteger & UnsignedInteger>(
  _ indices: Span<T>, _ limit: Int, isSigned: Bool
) -> Bool {
  guard indices.count > 0 else { return true }
  var highest: T = 0
  for i in indices.indices { highest = max(highest, indices[i]) }
  if isSigned, highest > T.max / 2 { return false }
  return highest < UInt64(limit)
}
