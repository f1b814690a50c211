// Messages read and written again, so that a test in another language can see what Fletch made of them.

import FlightSQL
import Memory
import Protobuf

private let wrappedMessages: [any FlightSQLMessage.Type] = [
  CommandStatementQuery.self, CommandStatementUpdate.self, CommandStatementSubstraitPlan.self,
  TicketStatementQuery.self, CommandPreparedStatementQuery.self, CommandPreparedStatementUpdate.self,
  CommandStatementIngest.self, ActionCreatePreparedStatementRequest.self,
  ActionCreatePreparedSubstraitPlanRequest.self, ActionCreatePreparedStatementResult.self,
  ActionClosePreparedStatementRequest.self, DoPutUpdateResult.self, DoPutPreparedStatementResult.self,
  ActionBeginTransactionRequest.self, ActionBeginTransactionResult.self, ActionBeginSavepointRequest.self,
  ActionBeginSavepointResult.self, ActionEndTransactionRequest.self, ActionEndSavepointRequest.self,
  CommandGetCatalogs.self, CommandGetDbSchemas.self, CommandGetTables.self, CommandGetTableTypes.self,
  CommandGetPrimaryKeys.self, CommandGetExportedKeys.self, CommandGetImportedKeys.self,
  CommandGetCrossReference.self, CommandGetXdbcTypeInfo.self, CommandGetSqlInfo.self,
  ActionCancelQueryRequest.self, ActionCancelQueryResult.self,
]

private let bareMessages: [any FlightActionMessage.Type] = [
  CancelFlightInfoRequest.self, CancelFlightInfoResult.self, RenewFlightEndpointRequest.self,
  SetSessionOptionsRequest.self, SetSessionOptionsResult.self, GetSessionOptionsRequest.self,
  GetSessionOptionsResult.self, CloseSessionRequest.self, CloseSessionResult.self,
]

private func parseHex(_ text: Substring) -> [UInt8] {
  let digits = Array(text)
  return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(String(digits[$0...$0 + 1]), radix: 16)! }
}

private func hex(_ bytes: [UInt8]) -> String {
  bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
}

func mirrorMessages() {
  while let line = readLine() {
    let words = line.split(separator: " ", omittingEmptySubsequences: false)
    let bytes = parseHex(words[1])
    do {
      if let type = wrappedMessages.first(where: { $0.name == words[0] }) {
        say(hex(try type.init(wrapped: bytes).wrapped()))
      } else if let type = bareMessages.first(where: { $0.name == words[0] }) {
        say(hex(try type.init(bytes: bytes).bytes))
      } else {
        say("error: no message is named \(words[0])")
      }
    } catch {
      say("error: \(error)")
    }
  }
}
