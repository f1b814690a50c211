// The people of the Flight Examples: the five of the fixed file, and random ones.

import Arrow
import Memory

public struct People: SampleTable {
  private var random: RandomSource
  private var nextID = 1

  public init(seed: UInt64) { random = RandomSource(seed: seed) }

  public var schema: Schema { People.schema }

  public static let schema = Schema([
    Field("id", .int64),
    Field("age", .int64),
    Field("city", .utf8),
    Field("is_active", .bool),
    Field("name", .utf8),
    Field("metadata", .structure([Field("dept", .utf8)])),
  ])

  private struct Person {
    var id: Int
    var age: Int
    var city: String
    var isActive: Bool?
    var name: String
    var department: String?
  }

  /// The five rows of `sql_data.feather`.
  public static func five() throws(DataError) -> RecordBatch {
    try batch([
      Person(id: 1, age: 25, city: "New York", isActive: true, name: "Alice", department: "Engineering"),
      Person(id: 2, age: 17, city: "New York", isActive: false, name: "Bob", department: "Sales"),
      Person(id: 3, age: 30, city: "Chicago", isActive: true, name: "Charlie", department: "Marketing"),
      Person(id: 4, age: 22, city: "New York", isActive: nil, name: "Daniel", department: nil),
      Person(id: 5, age: 16, city: "Los Angeles", isActive: true, name: "Eve", department: "HR"),
    ])
  }

  /// Ages of 18 to 65; a third of `is_active` and half of `metadata` are null.
  public mutating func batch(rows: Int) throws(DataError) -> RecordBatch {
    var people: [Person] = []
    for _ in 0..<rows {
      people.append(
        Person(
          id: nextID, age: 18 + random.below(48), city: random.pick(People.cities),
          isActive: random.oneIn(3) ? nil : random.oneIn(2), name: random.pick(People.names) + " \(nextID)",
          department: random.oneIn(2) ? nil : random.pick(People.departments)))
      nextID += 1
    }
    return try People.batch(people)
  }

  private static func batch(_ people: [Person]) throws(DataError) -> RecordBatch {
    let id = FixedBuilder<Int64>(type: .int64)
    let age = FixedBuilder<Int64>(type: .int64)
    let city = BinaryBuilder<Int32>(type: .utf8)
    let isActive = BooleanBuilder()
    let name = BinaryBuilder<Int32>(type: .utf8)
    let metadata = StructBuilder(type: schema.fields[5].type)
    guard let department = metadata.children[0] as? BinaryBuilder<Int32> else { preconditionFailure() }
    for person in people {
      id.append(Int64(person.id))
      age.append(Int64(person.age))
      try city.append(person.city)
      if let value = person.isActive { isActive.append(value) } else { isActive.appendNull() }
      try name.append(person.name)
      if let value = person.department {
        try department.append(value)
        metadata.closeStruct()
      } else {
        metadata.appendNull()
      }
    }
    let builders: [ColumnBuilder] = [id, age, city, isActive, name, metadata]
    return try RecordBatch(schema: schema, columns: builders.map { $0.finish() })
  }

  private static let cities = [
    "New York", "Los Angeles", "Chicago", "Houston", "Phoenix", "Philadelphia", "San Antonio", "San Diego",
    "Dallas",
    "San Jose",
  ]
  private static let departments = [
    "Engineering", "Marketing", "Sales", "HR", "Finance", "Operations", "Legal", "Support",
  ]
  private static let names = [
    "Alice", "Bob", "Charlie", "Daniel", "Eve", "Frank", "Grace", "Heidi", "Ivan", "Judy", "Mallory", "Niaj",
    "Olivia",
    "Peggy", "Rupert", "Sybil", "Trent", "Victor", "Walter", "Zoë",
  ]
}
