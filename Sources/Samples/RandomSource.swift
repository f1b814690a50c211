// Random numbers that are the same for the same seed, on every machine.

/// SplitMix64 (Steele, Lea, Flood 2014): one 64-bit state, well mixed, fast enough for hundreds of millions of values.
public struct RandomSource: RandomNumberGenerator {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed &>> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed &>> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed &>> 31)
  }

  /// A number of 0 ..< bound, nearly uniform (Lemire's multiplication without rejection).
  @inline(__always)
  public mutating func below(_ bound: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// True once in `n` times.
  public mutating func oneIn(_ n: Int) -> Bool { below(n) == 0 }

  /// A number of 0 ..< 1 with 53 random bits.
  public mutating func unit() -> Double { Double(next() &>> 11) * 0x1p-53 }

  public mutating func pick<T>(_ values: [T]) -> T { values[below(values.count)] }
}
