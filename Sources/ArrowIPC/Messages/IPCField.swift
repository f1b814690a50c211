// Fields as messages know them: with the ids of their dictionaries.

import Arrow
import Memory

/// A field of a schema and how it travels: dictionary columns as indices, their values in batches of their own.
struct IPCField: Sendable {
  let field: Field
  /// What the body has for this field: of a dictionary column the values' type, else the field's own.
  let storage: DataType
  let dictionary: DictionaryEncoding?
  /// The fields of `storage`.
  let children: [IPCField]

  struct DictionaryEncoding: Sendable {
    let id: Int64
    let indices: IntegerType
  }

  /// Numbers the dictionaries of a schema in the order in which its fields are walked.
  static func fields(of schema: Schema) -> [IPCField] {
    var nextID: Int64 = 0
    return schema.fields.map { IPCField(numbering: $0, &nextID) }
  }

  private init(numbering field: Field, _ nextID: inout Int64) {
    self.field = field
    if case .dictionary(let indices, let values, _) = field.type {
      dictionary = DictionaryEncoding(id: nextID, indices: indices)
      storage = values
      nextID += 1
    } else {
      dictionary = nil
      storage = field.type
    }
    children = storage.children.map { IPCField(numbering: $0, &nextID) }
  }

  init(field: Field, storage: DataType, dictionary: DictionaryEncoding?, children: [IPCField]) {
    self.field = field
    self.storage = storage
    self.dictionary = dictionary
    self.children = children
  }

  /// The values of this field's dictionary, as a field of their own.
  var values: IPCField { IPCField(field: field, storage: storage, dictionary: nil, children: children) }
}

/// The dictionary ids that a schema uses, and what each holds.
struct DictionaryFields: Sendable {
  private(set) var byID: [Int64: IPCField] = [:]

  init(_ fields: [IPCField]) throws(DataError) { for field in fields { try add(field) } }

  private mutating func add(_ field: IPCField) throws(DataError) {
    if let id = field.dictionary?.id {
      if let known = byID[id], known.storage != field.storage {
        throw DataError(.malformed, "dictionary \(id) is both of \(known.storage) and of \(field.storage)")
      }
      byID[id] = field
    }
    for child in field.children { try add(child) }
  }
}
