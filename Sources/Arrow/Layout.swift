// How a column's bytes lie, whatever they mean.

import Memory

/// The buffers and children of a column, one case per physical layout of the format.
///
/// Buffers are already cut to the column: value 0 is at their start. Only bitmaps carry a bit offset and run ends a logical
/// one, because neither can be cut without a copy.
public enum Layout: Sendable {
  case null
  /// Booleans.
  case bits(Bitmap)
  /// Values of `type.byteWidth` bytes.
  case fixed(Buffer)
  /// `count + 1` offsets into the bytes; value `i` is `bytes[offsets[i] ..< offsets[i + 1]]`.
  case variable(offsets: Buffer, bytes: Buffer)
  /// 16 bytes a value: see `BinaryViewValue`.
  case views(Buffer, data: [Buffer])
  /// `count + 1` offsets into the child. Maps are lists of structs.
  case list(offsets: Buffer, child: Column)
  case listView(offsets: Buffer, sizes: Buffer, child: Column)
  /// `count * size` items of the child.
  case fixedList(Column)
  /// Children of exactly `count` values.
  case structure([Column])
  /// A type id per value; dense unions have an offset into the child per value, sparse ones (nil) children of `count` values.
  case union(ids: Buffer, offsets: Buffer?, children: [Column])
  /// Indices of `type`'s index type.
  case dictionary(indices: Buffer, values: Column)
  /// Run `k` ends before logical row `ends[k]`; this column begins at logical row `offset` of them.
  case runs(ends: Column, values: Column, offset: Int)
}
