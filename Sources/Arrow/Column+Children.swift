// The same column over other children: how a change deep inside a nested column is carried up.

import Memory

extension Column {
  /// This column with `replacements` in the place of `children`: of the same types and, but for dictionaries, lengths.
  public func replacingChildren(_ replacements: [Column]) throws(DataError) -> Column {
    let replaced: Layout
    switch layout {
    case .null, .bits, .fixed, .variable, .views: return self
    case .list(let offsets, _): replaced = .list(offsets: offsets, child: replacements[0])
    case .listView(let offsets, let sizes, _):
      replaced = .listView(offsets: offsets, sizes: sizes, child: replacements[0])
    case .fixedList: replaced = .fixedList(replacements[0])
    case .structure: replaced = .structure(replacements)
    case .union(let ids, let offsets, _):
      replaced = .union(ids: ids, offsets: offsets, children: replacements)
    case .dictionary(let indices, _): replaced = .dictionary(indices: indices, values: replacements[0])
    case .runs(_, _, let offset):
      replaced = .runs(ends: replacements[0], values: replacements[1], offset: offset)
    }
    return try Column(type: type, count: count, validity: validity, layout: replaced)
  }
}
