// The files that reflection knows, found by name and by what they define.

import Memory
import Protobuf
import Synchronization

/// Descriptors of a server's services. Modules register theirs; health and reflection have theirs already.
public final class DescriptorRegistry: Sendable {
  private struct File {
    var bytes: [UInt8]
    var dependencies: [String] = []
  }
  private struct State {
    var files: [String: File] = [:]
    /// Full names of messages, enums, services and methods, and the file of each.
    var symbols: [String: String] = [:]
    var services: Set<String> = []
  }
  private let state = Mutex(State())

  init() {}

  /// Adds a file.
  /// - Parameter file: a serialised `google.protobuf.FileDescriptorProto`, as `protoc` or `ProtoFile` makes it.
  /// - Throws: `.malformed` when it is none.
  public func register(_ file: [UInt8]) throws(DataError) {
    let index = try DescriptorIndex(Buffer(copying: file))
    state.withLock { state in
      state.files[index.name] = File(bytes: file, dependencies: index.dependencies)
      for symbol in index.symbols { state.symbols[symbol] = index.name }
    }
  }

  public func register(_ file: ProtoFile) throws(DataError) { try register(file.serialized) }

  /// A file that this module has written itself.
  func registerOwn(_ file: ProtoFile) {
    do throws(DataError) {
      try register(file)
    } catch {
      preconditionFailure("\(file.name): \(error)")
    }
  }

  func setServices(of methods: [GRPCMethod]) {
    let names = methods.compactMap { $0.path.split(separator: "/").first.map(String.init) }
    state.withLock { $0.services = Set(names) }
  }

  /// The services that the server has, whether or not they are described.
  public var services: [String] { state.withLock { $0.services.sorted() } }

  /// A file and all that it needs, the file first.
  func files(named name: String) -> [[UInt8]]? {
    state.withLock { DescriptorRegistry.closure(of: name, $0) }
  }

  func files(defining symbol: String) -> [[UInt8]]? {
    state.withLock { state in state.symbols[symbol].flatMap { DescriptorRegistry.closure(of: $0, state) } }
  }

  func hasSymbol(_ symbol: String) -> Bool { state.withLock { $0.symbols[symbol] != nil } }

  private static func closure(of name: String, _ state: State) -> [[UInt8]]? {
    guard state.files[name] != nil else { return nil }
    var names = [name]
    var seen: Set<String> = [name]
    var next = 0
    while next < names.count {
      for dependency in state.files[names[next]]?.dependencies ?? [] where seen.insert(dependency).inserted {
        names.append(dependency)
      }
      next += 1
    }
    return names.compactMap { state.files[$0]?.bytes }
  }
}

/// What a `FileDescriptorProto` defines.
struct DescriptorIndex {
  var name = ""
  var dependencies: [String] = []
  var symbols: [String] = []

  /// Messages in messages in messages: no file comes near.
  private static let depthLimit = 32

  init(_ file: Buffer) throws(DataError) {
    var package = ""
    var definitions: [(number: Int, message: Buffer)] = []
    var reader = ProtobufReader(file)
    while let field = try reader.next() {
      switch field.number {
      case 1: name = try field.string()
      case 2: package = try field.string()
      case 3: dependencies.append(try field.string())
      case 4, 5, 6: definitions.append((field.number, try field.bytes()))
      default: break
      }
    }
    guard !name.isEmpty else { throw DataError(.malformed, "a file descriptor without a name") }
    for (number, message) in definitions {
      // Values of enums are left out: nobody asks for those. Methods are a service's field 2.
      try collect(message, package, nested: number == 4 ? [3, 4] : number == 6 ? [2] : [], depth: 0)
    }
  }

  private mutating func collect(_ message: Buffer, _ scope: String, nested: [Int], depth: Int)
    throws(DataError)
  {
    guard depth < DescriptorIndex.depthLimit else {
      throw DataError(.limit, "a descriptor nests deeper than \(DescriptorIndex.depthLimit)")
    }
    var own = ""
    var inner: [(Int, Buffer)] = []
    var reader = ProtobufReader(message)
    while let field = try reader.next() {
      if field.number == 1 { own = try field.string() }
      if nested.contains(field.number) { inner.append((field.number, try field.bytes())) }
    }
    let full = scope.isEmpty ? own : "\(scope).\(own)"
    symbols.append(full)
    for (number, message) in inner {
      try collect(message, full, nested: nested.count == 2 && number == 3 ? nested : [], depth: depth + 1)
    }
  }
}
