// What a client asks for: a path, or a command whose meaning is the service's own.

import Memory
import Protobuf

public enum FlightDescriptor: Hashable, Sendable {
  /// The name of a flight, in parts.
  case path([String])
  /// An opaque command; Flight SQL's are messages inside of it.
  case command([UInt8])
  /// A descriptor of no type, as a DoPut may have after its first message.
  case unknown

  // type:1 cmd:2 path:3
  init(_ message: ProtobufReader) throws(DataError) {
    var reader = message
    var type: Int64 = 0
    var command: [UInt8] = []
    var path: [String] = []
    while let field = try reader.next() {
      switch field.number {
      case 1: type = try field.integer()
      case 2: command = try field.bytes().array
      case 3: path.append(try field.string())
      default: break
      }
    }
    switch type {
    case 1: self = .path(path)
    case 2: self = .command(command)
    default: self = .unknown
    }
  }

  func write(to writer: inout ProtobufWriter) {
    switch self {
    case .path(let parts):
      writer.integer(1, 1)
      for part in parts { writer.string(3, part, isPresent: true) }
    case .command(let bytes):
      writer.integer(1, 2)
      writer.bytes(2, bytes)
    case .unknown: break
    }
  }
}

extension FlightDescriptor: CustomStringConvertible {
  public var description: String {
    switch self {
    case .path(let parts): "path \(parts)"
    case .command(let bytes): "command of \(bytes.count) bytes"
    case .unknown: "no descriptor"
    }
  }
}
