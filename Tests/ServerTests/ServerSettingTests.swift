// Limits as text: what is read, what is refused, where it goes.

import GRPC
import HTTP2
import Memory
import Testing

@testable import Server

@Suite struct ServerSettingTests {
  private func set(_ name: String, _ text: String) throws -> ServerConfiguration {
    var options = ServerConfiguration()
    try #require(ServerSetting.all.first { $0.name == name }).set(text, in: &options)
    return options
  }

  @Test func namesAreUniqueAndDefaultsCanBeWrittenBack() throws {
    #expect(Set(ServerSetting.all.map(\.name)).count == ServerSetting.all.count)
    for setting in ServerSetting.all {
      var options = ServerConfiguration()
      let texts = setting.texts(in: options)
      // Where off is the default it is a value as well.
      if !texts.isEmpty { try setting.set(texts, in: &options) }
      #expect(setting.texts(in: options) == texts)
    }
  }

  @Test func valuesGoWhereTheyBelong() throws {
    #expect(try set("max-connections", "1_000").grpc.http2.connections == 1000)
    #expect(try set("max-header-size", "64K").grpc.http2.limits.headerListSize == 64 << 10)
    #expect(try set("max-message-size", "16MB").grpc.maxReceivedMessage == 16 << 20)
    #expect(try set("idle-time", "2m").grpc.http2.limits.idle == .seconds(120))
    #expect(try set("idle-time", "off").grpc.http2.limits.idle == nil)
    #expect(try set("keep-alive", "500ms").grpc.http2.keepAlive.interval == .milliseconds(500))
    #expect(try set("keep-alive-timeout", "7").grpc.http2.keepAlive.timeout == .seconds(7))
    #expect(try set("reset-rate", "10/2").grpc.http2.limits.resets == Rate(burst: 10, perSecond: 2))
  }

  @Test(arguments: [
    ("max-connections", "0"), ("max-connections", "many"), ("max-header-size", "12"),
    ("max-header-size", "1X"),
    ("max-message-size", "4G"), ("idle-time", "0"), ("idle-time", "-3s"), ("idle-time", "3 s"),
    ("keep-alive-timeout", "off"), ("reset-rate", "5"), ("reset-rate", "0/1"), ("reset-rate", "1/2/3"),
    ("idle-time", "99999999999999h"), ("max-unread", "99999999T"),
  ])
  func whatMakesNoSenseIsRefused(_ name: String, _ text: String) {
    #expect(throws: DataError.self) { try set(name, text) }
  }

  @Test func sizesAndTimesAreWrittenAsTheyAreRead() {
    for text in ["1", "1023", "1K", "1500K", "64M", "2G", "1T"] {
      #expect(SettingText.bytes(text).map { SettingText.bytes($0) } == text)
    }
    for text in ["1ms", "1500ms", "1s", "90s", "15m", "36h"] {
      #expect(SettingText.time(text).map { SettingText.time($0) } == text)
    }
    #expect(SettingText.time("60s").map { SettingText.time($0) } == "1m")
  }
}
