// Settings of several sources: which wins, where each is from, what is wrong, and whether the documentation has them all.

import Configuration
import Glibc
import Memory
import Testing

@testable import Server

@Suite struct ConfigurationSourcesTests {
  private func sources(
    flags: [String: [String]] = [:], environment: [String: String] = [:], file: String = ""
  ) -> ConfigurationSources {
    ConfigurationSources(
      flags: { flags[$0.name] }, environment: environment, file: ConfigurationFile(path: "f.yaml", text: file)
    )
  }

  @Test func flagsWinOverTheEnvironmentOverTheFile() {
    let file = "batch-rows: 1\nmax-statements: 1\nmax-streams: 1\n"
    let environment = ["FLETCH_BATCH_ROWS": "2", "FLETCH_MAX_STATEMENTS": "2"]
    let found = sources(flags: ["batch-rows": ["3"]], environment: environment, file: file)
    #expect(found.faults == [])
    #expect(found.configuration.engine.batchRows == 3)
    #expect(found.configuration.engine.concurrency == 2)
    #expect(found.configuration.grpc.http2.limits.streams == 1)
    #expect(found.origins["batch-rows"] == .flag)
    #expect(found.origins["max-statements"] == .environment("FLETCH_MAX_STATEMENTS"))
    #expect(found.origins["max-streams"] == .file("f.yaml", line: 3))
    #expect(found.origins["timeout"] == nil)
  }

  @Test func whatIsWrongIsNamedWithItsPlaceInEverySource() {
    let found = sources(
      flags: ["timeout": ["soon"]], environment: ["FLETCH_READ_ONLY": "perhaps", "FLETCH_TIMEOT": "1"],
      file: "listen: [localhost:0]\nbatch_rows: 0\nmax-stream: 5\nalias: x\n")
    #expect(found.faults.contains { $0.hasPrefix("f.yaml:2: 'batch-rows' takes a whole number") })
    #expect(found.faults.contains("f.yaml:3: there is no setting 'max-stream'; 'max-streams' is meant?"))
    #expect(found.faults.contains("f.yaml:4: 'alias' takes NAME=TABLE, not 'x'"))
    #expect(found.faults.contains("FLETCH_READ_ONLY takes true or false, not 'perhaps'"))
    #expect(found.faults.contains { $0.hasPrefix("option '--timeout' takes a time") })
    #expect(found.faults.count == 5)
    #expect(found.unknownVariables == ["FLETCH_TIMEOT"])
  }

  @Test func listsComeAsSuchFromEverySource() {
    #expect(sources(file: "listen:\n- a:1\n- b:2").configuration.listen == ["a:1", "b:2"])
    #expect(sources(environment: ["FLETCH_LISTEN": "a:1,b:2"]).configuration.listen == ["a:1", "b:2"])
    #expect(sources(flags: ["listen": ["a:1", "b:2"]]).configuration.listen == ["a:1", "b:2"])
    let aliases = sources(file: "alias:\n  x: y\n  z: 'a=b'").configuration.serviceOptions.aliases
    #expect(aliases == ["x": "y", "z": "a=b"])
  }

  @Test func whatIsPrintedCanBeReadAgain() {
    let first = sources(
      flags: ["listen": ["unix:/a b", "localhost:0"], "database": ["/x: 'y'"], "timeout": ["90s"]],
      file: "log: text")
    let again = sources(file: first.yaml)
    #expect(again.faults == [])
    for setting in ServerSetting.all {
      #expect(setting.texts(in: again.configuration) == setting.texts(in: first.configuration))
    }
  }

  @Test func optionsReachTheEngineAndTheService() {
    let configuration = sources(
      file: "timeout: 1500ms\nread-only: yes\nmemory-limit: 64M\nhandle-lifetime: 1m"
    )
    .configuration
    #expect(configuration.engineOptions.statementTimeout == 1.5)
    #expect(configuration.engineOptions.isReadOnly)
    #expect(configuration.engineOptions.memoryLimit == 64 << 20)
    #expect(configuration.serviceOptions.statementTimeout == 1.5)
    #expect(configuration.serviceOptions.handleLifetime == 60)
  }

  /// `FLETCH_WRITE_DOCS=1 swift test --filter ConfigurationSources` writes the tables anew.
  @Test func theDocumentationHasEverySetting() throws {
    let path = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let file = "/\(path)/docs/configuration.md"
    let text = String(decoding: try MappedFile(path: file).contents.array, as: UTF8.self)
    let parts = text.split(separator: "<!-- settings -->\n", omittingEmptySubsequences: false)
    try #require(parts.count == 3)
    if getenv("FLETCH_WRITE_DOCS") != nil {
      let new = "\(parts[0])<!-- settings -->\n\n\(ServerSetting.documentation)<!-- settings -->\n\(parts[2])"
      let output = try AtomicFile(path: file)
      try output.sink.write([Buffer(copying: Array(new.utf8))])
      try output.commit()
    } else {
      #expect(parts[1] == "\n" + ServerSetting.documentation)
    }
  }
}
