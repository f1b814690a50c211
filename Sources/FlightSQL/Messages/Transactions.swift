// Transactions and savepoints: beginning and ending them.

import Memory
import Protobuf

public struct ActionBeginTransactionRequest: FlightSQLMessage {
  public static let name = "ActionBeginTransactionRequest"

  public init() {}

  public init(_ message: ProtobufReader) throws(DataError) { try onlyUnknownFields(message) }

  public func write(to writer: inout ProtobufWriter) {}
}

public struct ActionBeginTransactionResult: FlightSQLMessage {
  public static let name = "ActionBeginTransactionResult"

  public var transactionID: [UInt8]

  public init(transactionID: [UInt8]) { self.transactionID = transactionID }

  // transaction_id:1
  public init(_ message: ProtobufReader) throws(DataError) { transactionID = try onlyBytes(message) }

  public func write(to writer: inout ProtobufWriter) { writer.bytes(1, transactionID) }
}

public struct ActionBeginSavepointRequest: FlightSQLMessage {
  public static let name = "ActionBeginSavepointRequest"

  public var transactionID: [UInt8]
  public var savepoint: String

  public init(transactionID: [UInt8], savepoint: String) {
    self.transactionID = transactionID
    self.savepoint = savepoint
  }

  // transaction_id:1 name:2
  public init(_ message: ProtobufReader) throws(DataError) {
    self.init(transactionID: [], savepoint: "")
    var reader = message
    while let field = try reader.next() {
      switch field.number {
      case 1: transactionID = try field.bytes().array
      case 2: savepoint = try field.string()
      default: break
      }
    }
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.bytes(1, transactionID)
    writer.string(2, savepoint)
  }
}

public struct ActionBeginSavepointResult: FlightSQLMessage {
  public static let name = "ActionBeginSavepointResult"

  public var savepointID: [UInt8]

  public init(savepointID: [UInt8]) { self.savepointID = savepointID }

  // savepoint_id:1
  public init(_ message: ProtobufReader) throws(DataError) { savepointID = try onlyBytes(message) }

  public func write(to writer: inout ProtobufWriter) { writer.bytes(1, savepointID) }
}

/// Ends a transaction, and with it its savepoints.
public struct ActionEndTransactionRequest: FlightSQLMessage {
  public static let name = "ActionEndTransactionRequest"

  /// What is to become of its changes. Number 0 is 'unspecified', which no client may send.
  public enum Ending: Int32, Hashable, Sendable {
    case commit = 1
    case rollback = 2
  }

  public var transactionID: [UInt8]
  public var action: Ending

  public init(transactionID: [UInt8], action: Ending) {
    self.transactionID = transactionID
    self.action = action
  }

  // transaction_id:1 action:2
  /// - Throws: `.malformed` also for an action that is missing or unspecified.
  public init(_ message: ProtobufReader) throws(DataError) {
    var reader = message
    var id: [UInt8] = []
    var action: Ending?
    while let field = try reader.next() {
      switch field.number {
      case 1: id = try field.bytes().array
      case 2: action = try enumeration(field, Ending.self)
      default: break
      }
    }
    guard let action else { throw DataError(.malformed, "neither commit nor rollback is asked for") }
    self.init(transactionID: id, action: action)
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.bytes(1, transactionID)
    writer.integer(2, Int64(action.rawValue))
  }
}

/// Ends a savepoint, or goes back to it and keeps it.
public struct ActionEndSavepointRequest: FlightSQLMessage {
  public static let name = "ActionEndSavepointRequest"

  /// Number 0 is 'unspecified', which no client may send.
  public enum Ending: Int32, Hashable, Sendable {
    case release = 1
    case rollback = 2
  }

  public var savepointID: [UInt8]
  public var action: Ending

  public init(savepointID: [UInt8], action: Ending) {
    self.savepointID = savepointID
    self.action = action
  }

  // savepoint_id:1 action:2
  /// - Throws: `.malformed` also for an action that is missing or unspecified.
  public init(_ message: ProtobufReader) throws(DataError) {
    var reader = message
    var id: [UInt8] = []
    var action: Ending?
    while let field = try reader.next() {
      switch field.number {
      case 1: id = try field.bytes().array
      case 2: action = try enumeration(field, Ending.self)
      default: break
      }
    }
    guard let action else { throw DataError(.malformed, "neither release nor rollback is asked for") }
    self.init(savepointID: id, action: action)
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.bytes(1, savepointID)
    writer.integer(2, Int64(action.rawValue))
  }
}

/// Walks a message that has no fields of its own, so that garbage is not taken for it.
func onlyUnknownFields(_ message: ProtobufReader) throws(DataError) {
  var reader = message
  while try reader.next() != nil {}
}
