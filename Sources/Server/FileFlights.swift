// Feather files as flights: listed, described, got, and put.

import Arrow
import ArrowIPC
import Flight
import GRPC
import Memory

/// The Flight service of files.
///
/// A flight's descriptor is the path of one part, its table's name. Its tickets are `NAME_ticket`, or `NAME_ticket/K` for the
/// K-th file of a table of several; the name alone is taken for a ticket of all files, too.
public struct FileFlights: FlightService {
  private let catalog: FileCatalog
  private let store: FileStore?

  /// - Parameter store: where uploads go; nil refuses them.
  public init(_ catalog: FileCatalog, store: FileStore?) {
    self.catalog = catalog
    self.store = store
  }

  /// Everything that is asked for is in memory.
  public var lookupKind: MethodKind { .immediate }

  private static let ticketEnding = "_ticket"

  // MARK: Looking

  public func listFlights(
    _ criteria: Criteria, _ context: CallContext, _ yield: (FlightInfo) throws -> Void
  ) throws {
    let wanted = String(decoding: criteria.expression, as: UTF8.self)
    for table in catalog.tables {
      let name = catalog.listedName(table)
      if wanted.isEmpty || name.contains(wanted) { try yield(info(table, name: name)) }
    }
  }

  public func flightInfo(_ descriptor: FlightDescriptor, _ context: CallContext) throws -> FlightInfo {
    let name = try tableName(descriptor)
    return info(try table(name), name: name)
  }

  private func info(_ table: FileTable, name: String) -> FlightInfo {
    let tickets =
      table.files.count == 1
      ? [name + FileFlights.ticketEnding]
      : table.files.indices.map { "\(name)\(FileFlights.ticketEnding)/\($0)" }
    return FlightInfo(
      schema: table.schemaMessage, descriptor: .path([name]),
      endpoints: tickets.map { FlightEndpoint(ticket: Ticket($0)) }, totalRecords: Int64(table.rows),
      totalBytes: Int64(table.bytes), isOrdered: true)
  }

  private func tableName(_ descriptor: FlightDescriptor) throws -> String {
    switch descriptor {
    case .path(let parts) where !parts.isEmpty: return parts.joined(separator: "/")
    case .path, .unknown:
      throw GRPCStatus(.invalidArgument, "the descriptor names no flight; a path of its name does")
    case .command:
      throw GRPCStatus(.invalidArgument, "these flights are files: ask for them by path, not by command")
    }
  }

  private func table(_ name: String) throws -> FileTable {
    guard let table = catalog.table(name) else {
      let known = catalog.tables.prefix(20).map { "'\(catalog.listedName($0))'" }.joined(separator: ", ")
      throw GRPCStatus(.notFound, "there is no flight '\(name)'; there is \(known.isEmpty ? "none" : known)")
    }
    return table
  }

  // MARK: Getting

  public func get(_ ticket: Ticket, _ output: FlightOutput, _ context: CallContext) throws {
    let (table, files) = try files(ticket)
    try output.start(table.schema)
    for file in files {
      for i in 0..<file.batchCount {
        try context.checkCancelled()
        try output.write(try file.batch(i))
      }
    }
  }

  private func files(_ ticket: Ticket) throws -> (FileTable, [ServedFile]) {
    let text = String(decoding: ticket.bytes, as: UTF8.self)
    if let table = catalog.table(text) { return (table, table.files) }
    var name = Substring(text)
    var place: Int?
    if let slash = name.lastIndex(of: "/"), let number = Int(name[name.index(after: slash)...]) {
      place = number
      name = name[..<slash]
    }
    guard name.hasSuffix(FileFlights.ticketEnding),
      let table = catalog.table(String(name.dropLast(FileFlights.ticketEnding.count)))
    else { throw GRPCStatus(.notFound, "no flight has the ticket '\(text)'") }
    guard let place else { return (table, table.files) }
    guard table.files.indices.contains(place) else {
      throw GRPCStatus(.notFound, "table '\(table.name)' has no file \(place)")
    }
    return (table, [table.files[place]])
  }

  // MARK: Putting

  public func put(_ input: FlightInput, _ context: CallContext, _ acknowledge: ([UInt8]) throws -> Void)
    throws
  {
    guard let store else {
      throw GRPCStatus(.permissionDenied, "this server takes no uploads; it was started without --store")
    }
    guard let descriptor = input.descriptor else {
      throw GRPCStatus(.invalidArgument, "the first message of an upload has a descriptor; this has none")
    }
    let name = try tableName(descriptor)
    guard let schema = try input.schema() else {
      throw GRPCStatus(.invalidArgument, "an upload begins with a schema; this has none")
    }
    let upload = try store.begin(name, schema)
    while let item = try input.next() { if let batch = item.batch { try upload.write(batch) } }
    catalog.publish(try upload.finish())
    try acknowledge(Array("{\"rows\":\(upload.rows)}".utf8))
  }
}
