// Builders of columns whose values all have one size: numbers, times, booleans, fixed-size binary, and null.

import Memory

/// Null columns: only a count.
public final class NullBuilder: ColumnBuilder {
  public init() { super.init(type: .null) }

  override func appendEmptySlot() {}
  override func appendSlots(_ column: Column, _ rows: Range<Int>) {}
  override func finishLayout() -> Layout { .null }
}

public final class BooleanBuilder: ColumnBuilder {
  @exclusivity(unchecked) private var bits = GrowableBitmap()

  public init() { super.init(type: .bool) }

  public func append(_ value: Bool) {
    bits.append(value)
    validity.appendValid()
  }

  override func append(bool: Bool) { append(bool) }

  override func appendEmptySlot() { bits.append(false) }

  override func appendSlots(_ column: Column, _ rows: Range<Int>) {
    guard case .bits(let source) = column.layout else { preconditionFailure() }
    bits.append(contentsOf: source.slice(rows))
  }

  override func finishLayout() -> Layout { .bits(bits.freeze()) }
}

/// Columns of numbers, dates, times, and everything else that is as wide as `T`.
public final class FixedBuilder<T: BitwiseCopyable>: ColumnBuilder {
  @exclusivity(unchecked) @usableFromInline var values = GrowableBuffer()

  /// Traps when the type's values are not as wide as `T`.
  public override init(type: DataType) {
    precondition(
      type.layoutKind == .fixed && type.byteWidth == MemoryLayout<T>.stride,
      "\(T.self) is not as wide as \(type)")
    super.init(type: type)
  }

  public func reserve(_ count: Int) { values.reserve(count * MemoryLayout<T>.stride) }

  @inlinable
  public func append(_ value: T) {
    values.append(value)
    validity.appendValid()
  }

  @inlinable
  public func append(contentsOf span: Span<T>) {
    values.append(contentsOf: span)
    validity.appendValid(span.count)
  }

  public override func append(bytes: RawSpan) {
    precondition(bytes.byteCount == MemoryLayout<T>.stride, "\(bytes.byteCount) bytes for \(type)")
    values.append(contentsOf: bytes)
    validity.appendValid()
  }

  override func appendEmptySlot() { values.append(repeating: 0, count: MemoryLayout<T>.stride) }

  override func appendSlots(_ column: Column, _ rows: Range<Int>) {
    values.appendFixed(column, rows, width: MemoryLayout<T>.stride)
  }

  override func finishLayout() -> Layout { .fixed(values.freeze()) }
}

/// Columns of a width that the type names: fixed-size binary, and wide decimals as bytes.
public final class FixedSizeBinaryBuilder: ColumnBuilder {
  @exclusivity(unchecked) private var values = GrowableBuffer()
  private let width: Int

  public override init(type: DataType) {
    precondition(type.layoutKind == .fixed, "\(type) is not of fixed width")
    width = type.byteWidth!
    super.init(type: type)
  }

  /// Traps when the value is not as wide as the type's.
  public func append(_ value: RawSpan) {
    precondition(value.byteCount == width, "\(value.byteCount) bytes for \(type)")
    values.append(contentsOf: value)
    validity.appendValid()
  }

  public override func append(bytes: RawSpan) { append(bytes) }

  override func appendEmptySlot() { values.append(repeating: 0, count: width) }

  override func appendSlots(_ column: Column, _ rows: Range<Int>) {
    values.appendFixed(column, rows, width: width)
  }

  override func finishLayout() -> Layout { .fixed(values.freeze()) }
}

extension GrowableBuffer {
  fileprivate mutating func appendFixed(_ column: Column, _ rows: Range<Int>, width: Int) {
    guard case .fixed(let source) = column.layout else { preconditionFailure() }
    append(contentsOf: source.slice(rows.lowerBound * width..<rows.upperBound * width).bytes)
  }
}
