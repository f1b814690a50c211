// The entry point of libFuzzer: the same attack as fletch-mutate's, led by coverage. Built and run by scripts/fuzz.

import Memory

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  guard let bytes else { return 0 }
  // SAFETY: the fuzzer's bytes live until this returns, and so does every buffer on them.
  let input = Buffer(owner: nil, base: UnsafeRawPointer(bytes), count: count)
  _ = Victim.attack(input)
  return 0
}
