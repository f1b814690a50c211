// Bits at every offset against arrays of booleans, which cannot get offsets wrong.

import Memory
import Samples
import Testing

/// Random bits inside of random bytes, and the same as booleans. `slack` is how many more bytes the buffer has.
private func randomBits(
  _ random: inout RandomSource, offset: Int, count: Int, slack: Int = 0
) -> (naive: [Bool], bitmap: Bitmap) {
  let bytes = (0..<(offset + count + 7) / 8 + slack).map { _ in UInt8(truncatingIfNeeded: random.next()) }
  let naive = (0..<count).map { bytes[(offset + $0) / 8] >> UInt8((offset + $0) % 8) & 1 == 1 }
  return (naive, Bitmap(buffer: Buffer(copying: bytes), offset: offset, count: count))
}

extension Bitmap {
  fileprivate var naive: [Bool] { (0..<count).map { self[$0] } }
}

private let counts = Array(0...17) + [31, 63, 64, 65, 71, 72, 73, 127, 128, 129, 200, 515]

@Suite struct BitmapTests {
  @Test(arguments: 0..<20)
  func bitsAreThoseOfTheBytesAtAnyOffset(offset: Int) {
    var random = RandomSource(seed: UInt64(offset))
    for count in counts {
      for slack in [0, 1, 9] {
        let (naive, bitmap) = randomBits(&random, offset: offset, count: count, slack: slack)
        #expect(bitmap.naive == naive)
        #expect(bitmap.offset < 8)
        #expect(bitmap.countOnes() == naive.count { $0 })
      }
    }
  }

  @Test(arguments: 0..<8)
  func wordsHoldSixtyFourBitsAndZerosPastTheEnd(offset: Int) {
    var random = RandomSource(seed: 100 + UInt64(offset))
    for count in counts {
      for slack in [0, 1, 9] {
        let (naive, bitmap) = randomBits(&random, offset: offset, count: count, slack: slack)
        #expect(bitmap.wordCount == (count + 63) / 64)
        for index in 0..<bitmap.wordCount {
          var expected: UInt64 = 0
          for (i, bit) in naive.dropFirst(index * 64).prefix(64).enumerated() where bit {
            expected |= 1 << UInt64(i)
          }
          #expect(bitmap.word(index) == expected, "word \(index) of \(count) bits at \(offset)")
        }
      }
    }
  }

  @Test(arguments: 0..<8)
  func slicesOfSlicesAreTheSameBitsAtTheSameAddress(offset: Int) {
    var random = RandomSource(seed: 200 + UInt64(offset))
    for _ in 0..<50 {
      let (naive, bitmap) = randomBits(&random, offset: offset, count: random.below(300))
      var (expected, slice) = (naive, bitmap)
      for _ in 0..<3 {
        let start = random.below(slice.count + 1)
        let end = start + random.below(slice.count - start + 1)
        slice = slice.slice(start..<end)
        expected = Array(expected[start..<end])
        #expect(slice.naive == expected)
        let base = bitmap.buffer.base
        #expect(slice.buffer.base >= base && slice.buffer.base <= base + bitmap.buffer.count)
      }
    }
  }

  @Test(arguments: 0..<8)
  func alignedBitsBeginAtBitZeroAndEndInZeros(offset: Int) {
    var random = RandomSource(seed: 300 + UInt64(offset))
    for count in counts {
      let (naive, bitmap) = randomBits(&random, offset: offset, count: count, slack: 2)
      let aligned = bitmap.aligned()
      #expect(aligned.count == (count + 7) / 8)
      #expect(Bitmap(buffer: aligned, count: count).naive == naive)
      let tail = Bitmap(buffer: aligned, offset: count, count: aligned.count * 8 - count)
      #expect(tail.countOnes() == 0)
    }
  }

  @Test func alignedBitsAreNotCopiedWhenTheyLieWell() {
    let bytes = Buffer(copying: [0xFF, 0x0F, 0xFF] as [UInt8])
    #expect(Bitmap(buffer: bytes, count: 16).aligned().isSame(as: bytes.slice(0..<2)))
    // Twelve bits, then zeros up to the byte's end.
    #expect(Bitmap(buffer: bytes, count: 12).aligned().base == bytes.base)
    // Ten bits, then ones that must not be sent.
    #expect(Bitmap(buffer: bytes, count: 10).aligned().array == [0xFF, 0x03])
    #expect(Bitmap(buffer: bytes, offset: 8, count: 4).aligned().base == bytes.base + 1)
  }

  @Test(arguments: 0..<8)
  func onesAreVisitedInOrder(offset: Int) {
    var random = RandomSource(seed: 400 + UInt64(offset))
    for count in counts {
      let (naive, bitmap) = randomBits(&random, offset: offset, count: count)
      var visited: [Int] = []
      bitmap.forEachOne { visited.append($0) }
      #expect(visited == naive.indices.filter { naive[$0] })
    }
  }
}

@Suite struct GrowableBitmapTests {
  @Test(arguments: 0..<30)
  func anySequenceOfAppendsGivesTheirBits(seed: UInt64) {
    var random = RandomSource(seed: seed)
    var bitmap = GrowableBitmap()
    // A bitmap that was frozen begins again from nothing: so three rounds.
    for _ in 0..<3 {
      var naive: [Bool] = []
      for _ in 0..<random.below(40) {
        switch random.below(4) {
        case 0:
          let bit = random.oneIn(2)
          bitmap.append(bit)
          naive.append(bit)
        case 1:
          let n = random.below(65)
          let word = n == 64 ? random.next() : random.next() & ((1 << UInt64(n)) - 1)
          bitmap.append(word: word, count: n)
          naive.append(contentsOf: (0..<n).map { word >> UInt64($0) & 1 == 1 })
        case 2:
          let (n, bit) = (random.below(200), random.oneIn(2))
          bitmap.append(repeating: bit, count: n)
          naive.append(contentsOf: repeatElement(bit, count: n))
        default:
          let (bits, other) = randomBits(&random, offset: random.below(8), count: random.below(300))
          bitmap.append(contentsOf: other)
          naive.append(contentsOf: bits)
        }
      }
      let count = bitmap.count
      #expect(count == naive.count)
      let frozen = bitmap.freeze()
      #expect(frozen.naive == naive)
      #expect(bitmap.count == 0)
    }
  }

  @Test func frozenBitsStayWhenTheBitmapIsUsedAgain() {
    var bitmap = GrowableBitmap()
    bitmap.append(repeating: true, count: 100)
    let first = bitmap.freeze()
    bitmap.append(repeating: false, count: 200)
    let second = bitmap.freeze()
    #expect(first.countOnes() == 100)
    #expect(second.countOnes() == 0)
  }
}
