// fletch-mutate: hostile bytes. Files and streams cut at every length and changed in thousands of ways; whatever comes in, an
// error or a valid batch must come out, in bounded memory, without a trap. Run under the address sanitizer by scripts/test.

import Arrow
import ArrowIPC
import Glibc
import Memory
import Samples

let usage = """
  Usage: fletch-mutate [--seconds N] [--seed S] [--case FILE] [--corpus DIR]
    --seconds  how long to mutate, after the truncations (default 20)
    --seed     seed of the mutations (default: from the clock)
    --case     try one file and say what happens
    --corpus   write the samples to a folder, for another fuzzer, and end

  """

func fail(_ message: String, code: Int32) -> Never {
  _ = message.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  exit(code)
}

var seconds = 20.0
var seed = UInt64(time(nil))
var single: String?
var corpusFolder: String?
var words = Array(CommandLine.arguments.dropFirst())[...]
while let word = words.popFirst() {
  guard let value = words.popFirst() else { fail(usage, code: 2) }
  switch word {
  case "--seconds": seconds = Double(value) ?? seconds
  case "--seed": seed = UInt64(value) ?? seed
  case "--case": single = value
  case "--corpus": corpusFolder = value
  default: fail(usage, code: 2)
  }
}

if let single {
  do {
    print(Victim.attack(try MappedFile(path: single).contents))
  } catch {
    fail("\(error)\n", code: 1)
  }
  exit(0)
}

/// The most memory that all of this may take: the samples, one input and what it may allocate, and the sanitizer's own.
let residentLimit = 1 << 30

do {
  let corpus = try Corpus()
  if let corpusFolder {
    for (i, sample) in corpus.samples.enumerated() {
      let file = try AtomicFile(path: "\(corpusFolder)/\(i)")
      try file.sink.write([Buffer(copying: sample)])
      try file.commit(durable: false)
    }
    exit(0)
  }
  var tally = Tally()
  let truncations = corpus.truncate(&tally)
  print("\(corpus.samples.count) samples, \(truncations) truncations: \(tally)")
  fflush(nil)
  tally = Tally()
  let mutations = corpus.mutate(seed: seed, seconds: seconds, &tally)
  print("seed \(seed), \(mutations) mutations: \(tally)")
  // A mutator that never gets past the first check tests nothing.
  guard tally.errors > 0, tally.valid > 0 else {
    fail("the mutations are all valid, or all invalid\n", code: 1)
  }
  var resources = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &resources)
  print("peak memory: \(resources.ru_maxrss >> 10) MiB")
  guard resources.ru_maxrss << 10 < residentLimit else {
    fail("that is more than hostile bytes may take\n", code: 1)
  }
} catch {
  fail("fletch-mutate: \(error)\n", code: 1)
}
