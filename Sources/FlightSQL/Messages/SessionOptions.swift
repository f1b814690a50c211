// Flight's sessions: named options that a client sets and reads, and the end of the session.

import Memory
import Protobuf

/// The value of a session option.
public enum SessionOptionValue: Hashable, Sendable {
  case string(String)
  case bool(Bool)
  case int64(Int64)
  case double(Double)
  case strings([String])
  /// No value: by convention, this unsets the option.
  case none

  // string_value:1 bool_value:2 int64_value:3 (sfixed64) double_value:4 string_list_value:5 (values:1)
  init(_ message: ProtobufReader) throws(DataError) {
    self = .none
    var reader = message
    while let field = try reader.next() {
      switch field.number {
      case 1: self = .string(try field.string())
      case 2: self = .bool(try field.bool())
      case 3: self = .int64(Int64(bitPattern: try field.fixed64()))
      case 4: self = .double(try field.double())
      case 5:
        var list = try field.message()
        // The parts of a message that comes in pieces belong together.
        var values: [String] = if case .strings(let values) = self { values } else { [] }
        while let item = try list.next() { if item.number == 1 { values.append(try item.string()) } }
        self = .strings(values)
      default: break
      }
    }
  }

  func write(to writer: inout ProtobufWriter) {
    switch self {
    case .string(let value): writer.string(1, value, isPresent: true)
    case .bool(let value): writer.bool(2, value, isPresent: true)
    case .int64(let value): writer.fixed64(3, UInt64(bitPattern: value), isPresent: true)
    case .double(let value): writer.double(4, value, isPresent: true)
    case .strings(let values):
      writer.message(5) { list in for value in values { list.string(1, value, isPresent: true) } }
    case .none: break
    }
  }
}

private func readOptions(_ message: ProtobufReader) throws(DataError) -> [String: SessionOptionValue] {
  var reader = message
  var options: [String: SessionOptionValue] = [:]
  while let field = try reader.next() {
    guard field.number == 1 else { continue }
    let (key, value) = try mapEntry(field)
    let option = try value.map { value throws(DataError) in try SessionOptionValue(value.message()) }
    options.updateValue(option ?? SessionOptionValue.none, forKey: key)
  }
  return options
}

private func writeOptions(_ options: [String: SessionOptionValue], to writer: inout ProtobufWriter) {
  for (key, value) in options.sorted(by: { $0.key < $1.key }) {
    writer.message(1) { entry in
      entry.string(1, key)
      entry.message(2) { value.write(to: &$0) }
    }
  }
}

public struct SetSessionOptionsRequest: FlightActionMessage {
  public static let name = "SetSessionOptionsRequest"

  public var options: [String: SessionOptionValue]

  public init(options: [String: SessionOptionValue]) { self.options = options }

  // session_options:1 (key:1 value:2)
  public init(_ message: ProtobufReader) throws(DataError) { options = try readOptions(message) }

  public func write(to writer: inout ProtobufWriter) { writeOptions(options, to: &writer) }
}

/// Why an option was not set.
public enum SessionOptionError: Int32, Hashable, Sendable {
  case unspecified = 0
  case invalidName = 1
  case invalidValue = 2
  /// Something else went wrong.
  case error = 3
}

public struct SetSessionOptionsResult: FlightActionMessage {
  public static let name = "SetSessionOptionsResult"

  /// The options that were not set.
  public var errors: [String: SessionOptionError]

  public init(errors: [String: SessionOptionError] = [:]) { self.errors = errors }

  // errors:1 (key:1 value:2 (value:1))
  public init(_ message: ProtobufReader) throws(DataError) {
    errors = [:]
    var reader = message
    while let field = try reader.next() {
      guard field.number == 1 else { continue }
      let (key, value) = try mapEntry(field)
      errors[key] =
        try value.map { value throws(DataError) in try onlyEnumeration(value.message()) } ?? .unspecified
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    for (key, error) in errors.sorted(by: { $0.key < $1.key }) {
      writer.message(1) { entry in
        entry.string(1, key)
        entry.message(2) { $0.integer(1, Int64(error.rawValue)) }
      }
    }
  }
}

public struct GetSessionOptionsRequest: FlightActionMessage {
  public static let name = "GetSessionOptionsRequest"

  public init() {}

  public init(_ message: ProtobufReader) throws(DataError) { try onlyUnknownFields(message) }

  public func write(to writer: inout ProtobufWriter) {}
}

public struct GetSessionOptionsResult: FlightActionMessage {
  public static let name = "GetSessionOptionsResult"

  public var options: [String: SessionOptionValue]

  public init(options: [String: SessionOptionValue]) { self.options = options }

  // session_options:1 (key:1 value:2)
  public init(_ message: ProtobufReader) throws(DataError) { options = try readOptions(message) }

  public func write(to writer: inout ProtobufWriter) { writeOptions(options, to: &writer) }
}

public struct CloseSessionRequest: FlightActionMessage {
  public static let name = "CloseSessionRequest"

  public init() {}

  public init(_ message: ProtobufReader) throws(DataError) { try onlyUnknownFields(message) }

  public func write(to writer: inout ProtobufWriter) {}
}

public struct CloseSessionResult: FlightActionMessage {
  public static let name = "CloseSessionResult"

  public enum Status: Int32, Hashable, Sendable {
    case unspecified = 0
    case closed = 1
    /// On its way; asking again is allowed.
    case closing = 2
    case notCloseable = 3
  }

  public var status: Status

  public init(status: Status) { self.status = status }

  // status:1
  public init(_ message: ProtobufReader) throws(DataError) { status = try onlyEnumeration(message) }

  public func write(to writer: inout ProtobufWriter) { writer.integer(1, Int64(status.rawValue)) }
}
