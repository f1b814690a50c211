// YAML as configuration files have it: what is read, on which line, and what is refused.

import Testing

@testable import Configuration

@Suite struct YAMLTests {
  @Test func nodesKnowTheirLines() throws {
    let text = """
      # a comment
      listen:
        - localhost:8815
        - "unix:/tmp/a b"
      read-only: yes
      alias: {people: sql_data}
      """
    let node = try #require(try YAMLParser.parse(text))
    #expect(
      node
        == .mapping(
          [
            YAMLEntry(
              key: "listen", line: 2,
              value: .sequence(
                [.scalar("localhost:8815", line: 3), .scalar("unix:/tmp/a b", line: 4)], line: 3)),
            YAMLEntry(key: "read-only", line: 5, value: .scalar("yes", line: 5)),
            YAMLEntry(
              key: "alias", line: 6,
              value: .mapping(
                [YAMLEntry(key: "people", line: 6, value: .scalar("sql_data", line: 6))], line: 6)),
          ], line: 2))
  }

  @Test func anEmptyTextIsNoDocument() throws {
    #expect(try YAMLParser.parse("") == nil)
    #expect(try YAMLParser.parse("# nothing\n") == nil)
  }

  @Test(arguments: [
    ("a: [1, 2", 1), ("a: b\n  c: d", 2), ("a: 'b", 1), ("a: &x 1\nb: *x", 2), ("a: 1\n---\nb: 2", 2),
    ("\ta: 1", 1),
    ("? [a]\n: b", 1),
  ])
  func whatIsRefusedNamesItsLine(_ text: String, _ line: Int) {
    do {
      _ = try YAMLParser.parse(text)
      Issue.record("'\(text)' was read")
    } catch {
      #expect(abs(error.line - line) <= 1)
      #expect(!error.message.isEmpty)
    }
  }

  @Test func depthIsBounded() {
    #expect(throws: YAMLError.self) { try YAMLParser.parse(String(repeating: "[", count: 10_000)) }
  }

  @Test func settingsOfAFile() {
    let file = ConfigurationFile(
      path: "f.yaml", text: "listen: [a, b]\nmax_connections: 5\nalias:\n  x: y\nlisten: c\nlog: [[1]]")
    #expect(file.entries["listen"]?.values == ["a", "b"])
    #expect(file.entries["max-connections"] == .init(values: ["5"], line: 2))
    #expect(file.entries["alias"]?.values == ["x=y"])
    #expect(
      file.faults == ["f.yaml:5: 'listen' is set on line 1 already", "f.yaml:6: 'log' takes a list of texts"])
    #expect(ConfigurationFile(path: "f", text: "- a").faults == ["f:1: settings are 'name: value'"])
  }
}
