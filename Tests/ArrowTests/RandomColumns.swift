// Random columns of every type, and what tests look at in them.

import Arrow
import Memory
import Samples

/// Every type that the samples know, by its place: types alone make bad names of test cases.
let allTypes: [DataType] = AllTypes.schema.fields.map(\.type)

func randomColumn(_ type: DataType, rows: Int, seed: UInt64, nullsOneIn: Int? = 4) throws -> Column {
  let filler = RandomFiller(type, RandomSource(seed: seed), nullsOneIn: nullsOneIn)
  for _ in 0..<rows { try filler.append() }
  return filler.builder.finish()
}

extension Column {
  var keys: [[UInt8]] {
    (0..<count).map { row in
      do { return try key(at: row) } catch { preconditionFailure("\(error)") }
    }
  }

  /// All values as JSON: a second way to look at them, with no code in common with `key(at:)` but `items` and `run`.
  var json: [String] {
    (0..<count).map { row in
      var text: [UInt8] = []
      appendJSON(at: row, to: &text)
      return String(decoding: text, as: UTF8.self)
    }
  }

  /// Every buffer of this column and its children, in the order of the format.
  var allBuffers: [Buffer] {
    let own: [Buffer] =
      switch layout {
      case .null, .fixedList, .structure, .runs: []
      case .bits(let bits): [bits.buffer]
      case .fixed(let values): [values]
      case .variable(let offsets, let bytes): [offsets, bytes]
      case .views(let views, let data): [views] + data
      case .list(let offsets, _): [offsets]
      case .listView(let offsets, let sizes, _): [offsets, sizes]
      case .union(let ids, let offsets, _): [ids] + (offsets.map { [$0] } ?? [])
      case .dictionary(let indices, _): [indices]
      }
    return own + children.flatMap(\.allBuffers)
  }
}

extension Buffer {
  func lies(within other: Buffer) -> Bool { base >= other.base && base + count <= other.base + other.count }
}

/// A range of rows, often an empty one, one at an end, or all.
func randomRange(_ count: Int, _ random: inout RandomSource) -> Range<Int> {
  let start = random.oneIn(4) ? 0 : random.below(count + 1)
  let end = random.oneIn(4) ? count : start + random.below(count - start + 1)
  return start..<end
}

/// A column of one fixed-width type out of an array.
func column<T: BitwiseCopyable>(_ type: DataType, _ values: [T]) throws -> Column {
  try Column(type: type, count: values.count, layout: .fixed(Buffer(copying: values)))
}

func texts(_ values: [String], type: DataType = .utf8) throws -> Column {
  let builder = BinaryBuilder<Int32>(type: type)
  for value in values { try builder.append(value) }
  return builder.finish()
}

func bitmap(_ bits: [Bool]) -> Bitmap {
  var growing = GrowableBitmap()
  for bit in bits { growing.append(bit) }
  return growing.freeze()
}
