// What clients ask for rows with: Flight SQL's commands, and what clients that know only Flight send.

import GRPC
import Memory

/// A question for rows, as a descriptor or as a ticket.
public enum QueryRequest: Hashable, Sendable {
  /// SQL in Flight SQL's own command.
  case statement(CommandStatementQuery)
  /// A prepared statement, by its handle.
  case prepared(CommandPreparedStatementQuery)
  /// Bytes that are nothing but text: SQL, or a name that means something to the service.
  case text(String)
  /// A JSON object with a member `query`.
  case json(query: String)
  /// A descriptor of type PATH.
  case path([String])

  /// What it is called in messages.
  public var name: String {
    switch self {
    case .statement: CommandStatementQuery.name
    case .prepared: CommandPreparedStatementQuery.name
    case .text: "SQL text"
    case .json: "JSON with a query"
    case .path(let parts): "the path \(parts)"
    }
  }

  /// Reads bytes that are no Flight SQL command.
  /// - Throws: INVALID_ARGUMENT for what is neither text nor JSON with a query.
  init(plain bytes: [UInt8]) throws(GRPCStatus) {
    guard !bytes.isEmpty else { throw GRPCStatus(.invalidArgument, "the command is empty") }
    guard let text = String(validating: bytes, as: UTF8.self), bytes.allSatisfy(QueryRequest.isText) else {
      throw GRPCStatus(
        .invalidArgument, "\(bytes.count) bytes that are neither a Flight SQL command nor SQL text")
    }
    guard let first = bytes.first(where: { !QueryRequest.isSpace($0) }), first == UInt8(ascii: "{") else {
      self = .text(text)
      return
    }
    do throws(DataError) { self = .json(query: try JSONQuery.query(in: bytes)) } catch {
      throw GRPCStatus(.invalidArgument, error.description)
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }

  private static func isText(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F || isSpace(byte) }
}

/// What a DoGet asks for.
public enum TicketRequest: Hashable, Sendable {
  /// A ticket of this service's own, as `QueryEndpoint` holds it.
  case result(handle: [UInt8])
  /// A question by itself, which no GetFlightInfo came before.
  case query(QueryRequest)
}
