// Fields, schemas and their metadata.

/// Key-value pairs in their order. Values are bytes: writers put more than text there (pickles, for one).
public struct Metadata: Hashable, Sendable {
  public struct Entry: Hashable, Sendable {
    public var key: [UInt8]
    public var value: [UInt8]

    public init(key: [UInt8], value: [UInt8]) {
      self.key = key
      self.value = value
    }
  }

  public var entries: [Entry]

  public init(_ entries: [Entry] = []) { self.entries = entries }

  public var isEmpty: Bool { entries.isEmpty }

  /// The value of the first entry of that name, as text; bytes that are not UTF-8 are replaced.
  public subscript(key: String) -> String? {
    get {
      let bytes = Array(key.utf8)
      return entries.first { $0.key == bytes }.map { String(decoding: $0.value, as: UTF8.self) }
    }
    set {
      let bytes = Array(key.utf8)
      let place = entries.firstIndex { $0.key == bytes }
      switch (place, newValue) {
      case (let place?, let value?): entries[place].value = Array(value.utf8)
      case (let place?, nil): entries.remove(at: place)
      case (nil, let value?): entries.append(Entry(key: bytes, value: Array(value.utf8)))
      case (nil, nil): break
      }
    }
  }
}

extension Metadata: ExpressibleByDictionaryLiteral {
  public init(dictionaryLiteral elements: (String, String)...) {
    self.init(elements.map { Entry(key: Array($0.0.utf8), value: Array($0.1.utf8)) })
  }
}

/// A named and typed place in a schema or in a nested type.
public struct Field: Hashable, Sendable {
  public var name: String
  public var type: DataType
  public var isNullable: Bool
  public var metadata: Metadata

  public init(_ name: String, _ type: DataType, isNullable: Bool = true, metadata: Metadata = Metadata()) {
    self.name = name
    self.type = type
    self.isNullable = isNullable
    self.metadata = metadata
  }

  /// The name of the extension type that this field declares, such as `arrow.uuid`.
  public var extensionName: String? { metadata["ARROW:extension:name"] }
}

public struct Schema: Hashable, Sendable {
  public var fields: [Field]
  public var metadata: Metadata

  public init(_ fields: [Field], metadata: Metadata = Metadata()) {
    self.fields = fields
    self.metadata = metadata
  }

  /// The first field of that name.
  public func index(of name: String) -> Int? { fields.firstIndex { $0.name == name } }
}
