// Bulk ingestion: a stream of batches into one table, and what to do where the table is or is not there.

import Memory
import Protobuf

/// Loads the batches of a DoPut into a table.
public struct CommandStatementIngest: FlightSQLMessage {
  public static let name = "CommandStatementIngest"

  /// What to do when there is no such table. Number 0 is 'unspecified', which no client may send.
  public enum IfNotExist: Int32, Hashable, Sendable {
    case create = 1
    case fail = 2
  }

  /// What to do when the table is there. Number 0 is 'unspecified', which no client may send.
  public enum IfExists: Int32, Hashable, Sendable {
    case fail = 1
    case append = 2
    case replace = 3
  }

  public var table: String
  /// Nil where the client leaves it to the server.
  public var dbSchema: String?
  /// Nil where the client leaves it to the server.
  public var catalog: String?
  public var ifNotExist: IfNotExist
  public var ifExists: IfExists
  /// Whether the table is to go with the session.
  public var isTemporary: Bool
  public var transactionID: [UInt8]?
  /// Options of the server's own.
  public var options: [String: String]

  public init(
    table: String, dbSchema: String? = nil, catalog: String? = nil, ifNotExist: IfNotExist,
    ifExists: IfExists, isTemporary: Bool = false, transactionID: [UInt8]? = nil,
    options: [String: String] = [:]
  ) {
    self.table = table
    self.dbSchema = dbSchema
    self.catalog = catalog
    self.ifNotExist = ifNotExist
    self.ifExists = ifExists
    self.isTemporary = isTemporary
    self.transactionID = transactionID
    self.options = options
  }

  // table_definition_options:1 (if_not_exist:1 if_exists:2) table:2 schema:3 catalog:4 temporary:5 transaction_id:6
  // options:1000 (key:1 value:2)
  /// - Throws: `.malformed` also where the table or one of the two policies is missing.
  public init(_ message: ProtobufReader) throws(DataError) {
    var reader = message
    var ifNotExist: IfNotExist?
    var ifExists: IfExists?
    self.init(table: "", ifNotExist: .fail, ifExists: .fail)
    while let field = try reader.next() {
      switch field.number {
      case 1:
        var definition = try field.message()
        while let policy = try definition.next() {
          switch policy.number {
          case 1: ifNotExist = try enumeration(policy, IfNotExist.self)
          case 2: ifExists = try enumeration(policy, IfExists.self)
          default: break
          }
        }
      case 2: table = try field.string()
      case 3: dbSchema = try field.string()
      case 4: catalog = try field.string()
      case 5: isTemporary = try field.bool()
      case 6: transactionID = try FlightSQL.transactionID(field)
      case 1000:
        let (key, value) = try mapEntry(field)
        options[key] = try value?.string() ?? ""
      default: break
      }
    }
    guard !table.isEmpty else { throw DataError(.malformed, "no table is named") }
    guard let ifNotExist else {
      throw DataError(.malformed, "what to do when the table does not exist is not said (if_not_exist)")
    }
    guard let ifExists else {
      throw DataError(.malformed, "what to do when the table exists is not said (if_exists)")
    }
    self.ifNotExist = ifNotExist
    self.ifExists = ifExists
  }

  public func write(to writer: inout ProtobufWriter) {
    writer.message(1) { definition in
      definition.integer(1, Int64(ifNotExist.rawValue))
      definition.integer(2, Int64(ifExists.rawValue))
    }
    writer.string(2, table)
    if let dbSchema { writer.string(3, dbSchema, isPresent: true) }
    if let catalog { writer.string(4, catalog, isPresent: true) }
    writer.bool(5, isTemporary)
    if let transactionID { writer.bytes(6, transactionID, isPresent: true) }
    for (key, value) in options.sorted(by: { $0.key < $1.key }) {
      writer.message(1000) { entry in
        entry.string(1, key)
        entry.string(2, value)
      }
    }
  }
}

/// One entry of a map with text for keys; a key that is missing is the empty one, a value that is missing the default.
func mapEntry(_ field: ProtobufField) throws(DataError) -> (key: String, value: ProtobufField?) {
  var entry = try field.message()
  var key = ""
  var value: ProtobufField?
  while let part = try entry.next() {
    if part.number == 1 { key = try part.string() }
    if part.number == 2 { value = part }
  }
  return (key, value)
}
