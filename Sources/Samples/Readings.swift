// Readings of devices: a time series of any size, with few and many distinct values to filter, group and join by.

import Arrow
import Memory

public struct Readings: SampleTable {
  private var random: RandomSource
  private var nextID: Int64 = 0
  private let devices = (0..<100).map { "device-\($0 < 10 ? "00" : "0")\($0)" }
  private let regions = ["north", "south", "east", "west"]
  /// 2024-01-01T00:00:00Z in microseconds.
  private var clock: Int64 = 1_704_067_200_000_000

  public init(seed: UInt64) { random = RandomSource(seed: seed) }

  public var schema: Schema { Readings.schema }

  public static let schema = Schema([
    Field("id", .int64),
    Field("device", .utf8),
    Field("region", .utf8),
    Field("ts", .timestamp(.microsecond, zone: "UTC")),
    Field("qty", .int32),
    Field("bucket", .int64),
    Field("value", .float64),
  ])

  /// `ts` grows by up to 20 ms a row; of `value`, which is in 0 ..< 1000, 2 % are null.
  public mutating func batch(rows: Int) throws(DataError) -> RecordBatch {
    let id = FixedBuilder<Int64>(type: .int64)
    let device = BinaryBuilder<Int32>(type: .utf8)
    let region = BinaryBuilder<Int32>(type: .utf8)
    let timestamp = FixedBuilder<Int64>(type: Readings.schema.fields[3].type)
    let quantity = FixedBuilder<Int32>(type: .int32)
    let bucket = FixedBuilder<Int64>(type: .int64)
    let value = FixedBuilder<Double>(type: .float64)
    for _ in 0..<rows {
      id.append(nextID)
      nextID += 1
      try device.append(random.pick(devices))
      try region.append(random.pick(regions))
      clock += Int64(random.below(20_000))
      timestamp.append(clock)
      quantity.append(Int32(random.below(1000)))
      bucket.append(Int64(random.below(100_000)))
      if random.oneIn(50) { value.appendNull() } else { value.append(random.unit() * 1000) }
    }
    let builders: [ColumnBuilder] = [id, device, region, timestamp, quantity, bucket, value]
    return try RecordBatch(schema: Readings.schema, columns: builders.map { $0.finish() })
  }
}
