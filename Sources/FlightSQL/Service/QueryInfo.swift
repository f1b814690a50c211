// What a service answers about a query: its schema, where its rows are to be got, and how far it is.

import Arrow
import Flight

/// A part of a query's result.
public struct QueryEndpoint: Hashable, Sendable {
  /// What the client brings back in DoGet.
  public enum Ticket: Hashable, Sendable {
    /// Bytes of the service's own choice; they come back as `TicketRequest.result`.
    case handle([UInt8])
    /// Text as it is, for clients that write tickets themselves; it comes back as `TicketRequest.query`.
    case text(String)
  }

  public var ticket: Ticket
  /// Where to get it; empty for the connection that the info came over.
  public var locations: [String]
  public var expiration: FlightTimestamp?
  public var appMetadata: [UInt8]

  public init(
    ticket: Ticket, locations: [String] = [], expiration: FlightTimestamp? = nil, appMetadata: [UInt8] = []
  ) {
    self.ticket = ticket
    self.locations = locations
    self.expiration = expiration
    self.appMetadata = appMetadata
  }
}

/// A query's result, before its rows.
public struct QueryInfo: Sendable {
  /// The schema that DoGet will send: drivers compare the two, nullability included.
  public var schema: Schema
  public var endpoints: [QueryEndpoint]
  /// -1 when it is not known.
  public var totalRecords: Int64
  /// -1 when it is not known.
  public var totalBytes: Int64
  /// Whether the endpoints' rows belong together in their order.
  public var isOrdered: Bool
  public var appMetadata: [UInt8]

  public init(
    schema: Schema, endpoints: [QueryEndpoint], totalRecords: Int64 = -1, totalBytes: Int64 = -1,
    isOrdered: Bool = false, appMetadata: [UInt8] = []
  ) {
    self.schema = schema
    self.endpoints = endpoints
    self.totalRecords = totalRecords
    self.totalBytes = totalBytes
    self.isOrdered = isOrdered
    self.appMetadata = appMetadata
  }

  /// A result of one part.
  public init(schema: Schema, handle: [UInt8]) {
    self.init(schema: schema, endpoints: [QueryEndpoint(ticket: .handle(handle))])
  }
}

/// How far a query is that a client polls.
public struct QueryProgress: Sendable {
  /// What is there to get already.
  public var info: QueryInfo?
  /// What the client is to ask with next time; nil when the query is complete.
  public var next: [UInt8]?
  /// 0 to 1, where it is known.
  public var progress: Double?
  /// Until when the client may ask again.
  public var expiration: FlightTimestamp?

  public init(
    info: QueryInfo?, next: [UInt8]? = nil, progress: Double? = nil, expiration: FlightTimestamp? = nil
  ) {
    self.info = info
    self.next = next
    self.progress = progress
    self.expiration = expiration
  }

  /// A query that is done.
  public static func complete(_ info: QueryInfo) -> QueryProgress { QueryProgress(info: info, progress: 1) }
}

/// What is to be cancelled: that, and nothing else that the session runs.
public struct CancelRequest: Hashable, Sendable {
  /// What the result's endpoints have as tickets.
  public var tickets: [TicketRequest]
  /// What a client that polls would have asked with next.
  public var poll: [UInt8]?
  /// What the query was asked with.
  public var query: QueryRequest?
  public var appMetadata: [UInt8]

  public init(
    tickets: [TicketRequest], poll: [UInt8]? = nil, query: QueryRequest? = nil, appMetadata: [UInt8] = []
  ) {
    self.tickets = tickets
    self.poll = poll
    self.query = query
    self.appMetadata = appMetadata
  }
}

/// A statement that was prepared.
public struct PreparedStatement: Sendable {
  public var handle: [UInt8]
  /// Nil for a statement that has no result.
  public var resultSchema: Schema?
  /// The parameters in their order: of type null where the type is not known. Nil when nothing is known of them; JDBC binds
  /// none then.
  public var parameterSchema: Schema?
  /// Whether the client should run it as an update.
  public var isUpdate: Bool

  public init(handle: [UInt8], resultSchema: Schema?, parameterSchema: Schema?, isUpdate: Bool) {
    self.handle = handle
    self.resultSchema = resultSchema
    self.parameterSchema = parameterSchema
    self.isUpdate = isUpdate
  }
}
