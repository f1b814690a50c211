// Descriptors written by hand: what `protoc` would compile into a program, from a few words.

import Protobuf

/// One `.proto` file for reflection, serialised as `google.protobuf.FileDescriptorProto`.
///
///     let file = ProtoFile("echo.proto", package: "echo", messages: [
///       ProtoMessage("Line", [ProtoField("text", 1, .string)])
///     ], services: [
///       ProtoService("Echo", [ProtoMethod("Say", ".echo.Line", ".echo.Line")])
///     ])
public struct ProtoFile: Sendable {
  public var name: String
  public var package: String
  public var dependencies: [String]
  public var messages: [ProtoMessage]
  public var enums: [ProtoEnum]
  public var services: [ProtoService]

  public init(
    _ name: String, package: String, dependencies: [String] = [], messages: [ProtoMessage] = [],
    enums: [ProtoEnum] = [], services: [ProtoService] = []
  ) {
    self.name = name
    self.package = package
    self.dependencies = dependencies
    self.messages = messages
    self.enums = enums
    self.services = services
  }

  public var serialized: [UInt8] {
    var writer = ProtobufWriter()
    writer.string(1, name)
    writer.string(2, package)
    for dependency in dependencies { writer.string(3, dependency) }
    for message in messages { writer.message(4) { message.write(to: &$0) } }
    for item in enums { writer.message(5) { item.write(to: &$0) } }
    for service in services { writer.message(6) { service.write(to: &$0) } }
    writer.string(12, "proto3")
    return writer.bytes
  }
}

public struct ProtoMessage: Sendable {
  public var name: String
  public var fields: [ProtoField]
  public var nested: [ProtoMessage]
  public var enums: [ProtoEnum]
  public var oneofs: [String]

  public init(
    _ name: String, _ fields: [ProtoField] = [], nested: [ProtoMessage] = [], enums: [ProtoEnum] = [],
    oneofs: [String] = []
  ) {
    self.name = name
    self.fields = fields
    self.nested = nested
    self.enums = enums
    self.oneofs = oneofs
  }

  func write(to writer: inout ProtobufWriter) {
    writer.string(1, name)
    for field in fields { writer.message(2) { field.write(to: &$0) } }
    for message in nested { writer.message(3) { message.write(to: &$0) } }
    for item in enums { writer.message(4) { item.write(to: &$0) } }
    for oneof in oneofs { writer.message(8) { $0.string(1, oneof) } }
  }
}

public struct ProtoField: Sendable {
  /// `FieldDescriptorProto.Type`, with the full name of a message or enum, dot first.
  public enum Kind: Sendable {
    case double, float, int64, uint64, int32, bool, string, bytes, uint32
    case message(String)
    case enumeration(String)

    var number: Int64 {
      switch self {
      case .double: 1
      case .float: 2
      case .int64: 3
      case .uint64: 4
      case .int32: 5
      case .bool: 8
      case .string: 9
      case .message: 11
      case .bytes: 12
      case .uint32: 13
      case .enumeration: 14
      }
    }
  }

  public var name: String
  public var number: Int
  public var kind: Kind
  public var isRepeated: Bool
  public var oneof: Int?

  public init(_ name: String, _ number: Int, _ kind: Kind, isRepeated: Bool = false, oneof: Int? = nil) {
    self.name = name
    self.number = number
    self.kind = kind
    self.isRepeated = isRepeated
    self.oneof = oneof
  }

  func write(to writer: inout ProtobufWriter) {
    writer.string(1, name)
    writer.integer(3, Int64(number))
    writer.integer(4, isRepeated ? 3 : 1)
    writer.integer(5, kind.number)
    switch kind {
    case .message(let type), .enumeration(let type): writer.string(6, type)
    default: break
    }
    if let oneof { writer.integer(9, Int64(oneof), isPresent: true) }
  }
}

public struct ProtoEnum: Sendable {
  public var name: String
  public var values: [(name: String, number: Int64)]

  public init(_ name: String, _ values: [(name: String, number: Int64)]) {
    self.name = name
    self.values = values
  }

  func write(to writer: inout ProtobufWriter) {
    writer.string(1, name)
    for value in values {
      writer.message(2) {
        $0.string(1, value.name)
        $0.integer(2, value.number, isPresent: true)
      }
    }
  }
}

public struct ProtoService: Sendable {
  public var name: String
  public var methods: [ProtoMethod]

  public init(_ name: String, _ methods: [ProtoMethod]) {
    self.name = name
    self.methods = methods
  }

  func write(to writer: inout ProtobufWriter) {
    writer.string(1, name)
    for method in methods {
      writer.message(2) {
        $0.string(1, method.name)
        $0.string(2, method.input)
        $0.string(3, method.output)
        $0.bool(5, method.clientStreams)
        $0.bool(6, method.serverStreams)
      }
    }
  }
}

public struct ProtoMethod: Sendable {
  public var name: String
  /// Full names, dot first.
  public var input: String
  public var output: String
  public var clientStreams: Bool
  public var serverStreams: Bool

  public init(
    _ name: String, _ input: String, _ output: String, clientStreams: Bool = false,
    serverStreams: Bool = false
  ) {
    self.name = name
    self.input = input
    self.output = output
    self.clientStreams = clientStreams
    self.serverStreams = serverStreams
  }
}
