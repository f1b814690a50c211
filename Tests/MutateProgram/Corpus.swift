// The samples that are mutated, and the mutations.

import Arrow
import ArrowIPC
import Glibc
import Memory
import Samples

/// How often which outcome came.
struct Tally: CustomStringConvertible {
  private(set) var valid = 0
  private(set) var errors = 0
  private var kinds: Set<String> = []

  mutating func count(_ outcome: Outcome) {
    switch outcome {
    case .valid: valid += 1
    case .error(let error):
      errors += 1
      kinds.insert(String(error.message.filter { !$0.isNumber }.prefix(60)))
    }
  }

  var description: String { "\(valid) valid, \(errors) errors of \(kinds.count) kinds" }
}

struct Corpus {
  private(set) var samples: [[UInt8]] = []

  /// Every type by itself and all together; files and streams, plain and compressed; dictionaries that change.
  init() throws(DataError) {
    for (i, type) in (AllTypes.simpleTypes + AllTypes.nestedTypes).enumerated() {
      let filler = RandomFiller(type, RandomSource(seed: UInt64(i)), nullsOneIn: 4)
      for _ in 0..<9 { try filler.append() }
      let schema = Schema([Field("x", type, metadata: ["k": "v"])])
      let batch = try RecordBatch(schema: schema, columns: [filler.builder.finish()])
      let codec: Codec? = [nil, .zstd, .lz4][i % 3]
      samples.append(try Corpus.written([batch], isFile: i % 2 == 0, codec))
      if codec != nil { samples.append(try Corpus.written([batch], isFile: i % 2 == 1, nil)) }
    }
    var table = AllTypes(seed: 1)
    let batches = [try table.batch(rows: 3), try table.batch(rows: 0), try table.batch(rows: 20)]
    for codec: Codec? in [nil, .zstd, .lz4] {
      samples.append(try Corpus.written(batches, isFile: true, codec))
      samples.append(try Corpus.written(batches, isFile: false, codec))
    }
  }

  private static func written(
    _ batches: [RecordBatch], isFile: Bool, _ codec: Codec?
  ) throws(DataError) -> [UInt8] {
    let sink = MemorySink()
    let options = WriteOptions(codec: codec)
    let writer: any BatchWriter =
      isFile
      ? try FileWriter(sink, schema: batches[0].schema, options: options)
      : try StreamWriter(sink, schema: batches[0].schema, options: options)
    for batch in batches { try writer.write(batch) }
    try writer.finish()
    return sink.finish().array
  }

  /// Every sample, cut at every length; of the large ones at every 61st.
  func truncate(_ tally: inout Tally) -> Int {
    var count = 0
    for sample in samples {
      for length in stride(from: 0, to: sample.count, by: sample.count > 10_000 ? 61 : 1) {
        if length % 100 == 0 { alarm(Corpus.patience) }
        tally.count(Corpus.attack(Array(sample[..<length])))
        count += 1
      }
    }
    return count
  }

  func mutate(seed: UInt64, seconds: Double, _ tally: inout Tally) -> Int {
    var random = RandomSource(seed: seed)
    let end = time(nil) + Int(seconds)
    var count = 0
    while time(nil) < end {
      alarm(Corpus.patience)
      for _ in 0..<100 {
        var bytes = random.pick(samples)
        for _ in 0..<1 + random.below(3) { Corpus.change(&bytes, &random, samples) }
        Corpus.keep(bytes)
        tally.count(Corpus.attack(bytes))
        count += 1
      }
    }
    alarm(0)
    return count
  }

  /// After so many seconds, a hundred inputs are a hang: the alarm ends the process.
  private static let patience: UInt32 = 60

  /// One change, of those that decoders fall for.
  private static func change(_ bytes: inout [UInt8], _ random: inout RandomSource, _ samples: [[UInt8]]) {
    guard bytes.count > 16 else { return }
    let extremes: [UInt64] = [
      0, 1, 2, 7, 8, 127, 128, 255, 256, 32_767, 65_535, 1 << 31 - 1, 1 << 31, 1 << 32 - 1, 1 << 32, 1 << 62,
      1 << 63 - 1,
      1 << 63, .max, .max - 1,
    ]
    let place = random.below(bytes.count - 8)
    switch random.below(8) {
    case 0: bytes[place] ^= UInt8(1 << random.below(8))
    case 1: bytes[place] = UInt8(random.below(256))
    case 2, 3:
      // An aligned number becomes an extreme: offsets, lengths, counts, ids and compressed sizes are such numbers.
      let width = 1 << random.below(4)
      let value = random.pick(extremes)
      for i in 0..<width {
        bytes[place / width * width + i] = UInt8(truncatingIfNeeded: value >> UInt64(8 * i))
      }
    case 4:
      // Or grows or shrinks a little.
      let width = 1 << random.below(4)
      let start = place / width * width
      let step = UInt8(truncatingIfNeeded: random.below(17) - 8)
      bytes[start] &+= step
    case 5:
      let length = min(1 + random.below(32), bytes.count - place)
      let source = random.below(bytes.count - length + 1)
      bytes.replaceSubrange(place..<place + length, with: Array(bytes[source..<source + length]))
    case 6:
      if random.oneIn(2) {
        bytes.removeSubrange(place..<min(bytes.count, place + 8 * (1 + random.below(4))))
      } else {
        bytes.insert(contentsOf: [UInt8](repeating: UInt8(random.below(256)), count: 8), at: place / 8 * 8)
      }
    default:
      // The end of another sample: a footer or messages that belong to something else.
      let other = random.pick(samples)
      let cut = random.below(min(other.count, bytes.count))
      bytes = Array(bytes[..<cut]) + other[cut...]
    }
  }

  /// The bytes go into memory of exactly their size, so that the address sanitizer sees the first read beyond them.
  private static func attack(_ bytes: [UInt8]) -> Outcome {
    let count = bytes.count
    let memory = UnsafeMutableRawPointer.allocate(byteCount: max(count, 1), alignment: 64)
    bytes.withUnsafeBytes { if let base = $0.baseAddress { memory.copyMemory(from: base, byteCount: count) } }
    // SAFETY: the memory is freed when the last buffer on it is gone.
    nonisolated(unsafe) let freed = memory
    let owner = ForeignMemory { freed.deallocate() }
    return Victim.attack(Buffer(owner: owner, base: UnsafeRawPointer(memory), count: count))
  }

  /// Where the input that is being tried is kept, so that it is there after a crash.
  private static func keep(_ bytes: [UInt8]) {
    guard let path = getenv("FLETCH_MUTATE_CASE") else { return }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    bytes.withUnsafeBytes { _ = write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
  }
}
