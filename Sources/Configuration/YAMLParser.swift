// libyaml's events, made a tree.

import CYAML

/// Reads one document. Aliases are refused: a few lines of them can stand for more nodes than memory has.
public struct YAMLParser: ~Copyable {
  // A C handle that must not move, so it lives on the heap.
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let text: UnsafeMutableBufferPointer<UInt8>
  private static let maximumDepth = 64

  /// The document of a text; nil for one of spaces and comments only.
  public static func parse(_ text: String) throws(YAMLError) -> YAMLNode? {
    var parser = try YAMLParser(text)
    return try parser.document()
  }

  private init(_ text: String) throws(YAMLError) {
    parser = .allocate(capacity: 1)
    parser.initialize(to: yaml_parser_t())
    self.text = .allocate(capacity: max(1, text.utf8.count))
    _ = self.text.initialize(from: text.utf8)
    guard yaml_parser_initialize(parser) == 1 else {
      throw YAMLError(message: "no memory for a parser", line: 1)
    }
    // SAFETY: the parser reads the text until it is deleted, and the text is freed after that.
    yaml_parser_set_input_string(parser, self.text.baseAddress, text.utf8.count)
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
    text.deallocate()
  }

  private enum Event {
    case scalar(String), sequenceStart, sequenceEnd, mappingStart, mappingEnd
    case documentStart, documentEnd, streamStart, streamEnd
  }

  private mutating func document() throws(YAMLError) -> YAMLNode? {
    var root: YAMLNode?
    while true {
      let (event, line) = try next()
      switch event {
      case .streamStart, .documentEnd: continue
      case .streamEnd: return root
      case .documentStart:
        guard root == nil else { throw YAMLError(message: "a second document", line: line) }
        let (first, line) = try next()
        root = try node(first, line, depth: 0)
      default: throw YAMLError(message: "a value outside of a document", line: line)
      }
    }
  }

  private mutating func node(_ event: Event, _ line: Int, depth: Int) throws(YAMLError) -> YAMLNode {
    guard depth < YAMLParser.maximumDepth else { throw YAMLError(message: "nested too deep", line: line) }
    switch event {
    case .scalar(let text): return .scalar(text, line: line)
    case .sequenceStart:
      var items: [YAMLNode] = []
      while true {
        let (event, place) = try next()
        if case .sequenceEnd = event { return .sequence(items, line: line) }
        items.append(try node(event, place, depth: depth + 1))
      }
    case .mappingStart:
      var entries: [YAMLEntry] = []
      while true {
        let (event, place) = try next()
        if case .mappingEnd = event { return .mapping(entries, line: line) }
        guard case .scalar(let key) = event else {
          throw YAMLError(message: "a key that is no text", line: place)
        }
        let (value, valueLine) = try next()
        entries.append(YAMLEntry(key: key, line: place, value: try node(value, valueLine, depth: depth + 1)))
      }
    default: throw YAMLError(message: "a value is missing", line: line)
    }
  }

  private mutating func next() throws(YAMLError) -> (Event, line: Int) {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else {
      let mark = parser.pointee.problem_mark.line
      let problem = parser.pointee.problem.map { String(cString: $0) } ?? "not YAML"
      throw YAMLError(message: problem, line: Int(mark) + 1)
    }
    defer { yaml_event_delete(&event) }
    let line = Int(event.start_mark.line) + 1
    switch event.type {
    case YAML_SCALAR_EVENT:
      // SAFETY: a scalar event has its text, of that length, until it is deleted.
      let scalar = event.data.scalar
      let bytes = UnsafeBufferPointer(start: scalar.value, count: scalar.length)
      return (.scalar(String(decoding: bytes, as: UTF8.self)), line)
    case YAML_SEQUENCE_START_EVENT: return (.sequenceStart, line)
    case YAML_SEQUENCE_END_EVENT: return (.sequenceEnd, line)
    case YAML_MAPPING_START_EVENT: return (.mappingStart, line)
    case YAML_MAPPING_END_EVENT: return (.mappingEnd, line)
    case YAML_DOCUMENT_START_EVENT: return (.documentStart, line)
    case YAML_DOCUMENT_END_EVENT: return (.documentEnd, line)
    case YAML_STREAM_START_EVENT: return (.streamStart, line)
    case YAML_STREAM_END_EVENT: return (.streamEnd, line)
    case YAML_ALIAS_EVENT: throw YAMLError(message: "an alias (*), which is not understood here", line: line)
    default: throw YAMLError(message: "not YAML", line: line)
    }
  }
}
