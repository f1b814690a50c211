// How large columns are.

import Memory

extension Column {
  /// The bytes of this column's values, validity and children, as many as it has; a slice counts what it shows.
  public var byteCount: Int {
    var total = validity.map { ($0.count + 7) / 8 } ?? 0
    switch layout {
    case .null: break
    case .bits(let bits): total += (bits.count + 7) / 8
    case .fixed(let values): total += values.count
    case .variable(let offsets, _):
      total += offsets.count + max(0, offset(count, in: offsets) - offset(0, in: offsets))
    case .views(let views, let data): total += views.count + data.reduce(0) { $0 + $1.count }
    case .list(let offsets, let child):
      let items = offset(0, in: offsets)..<offset(count, in: offsets)
      total += offsets.count + child.slice(items).byteCount
    case .listView(let offsets, let sizes, let child): total += offsets.count + sizes.count + child.byteCount
    case .fixedList(let child): total += child.byteCount
    case .structure(let children): total += children.reduce(0) { $0 + $1.byteCount }
    case .union(let ids, let offsets, let children):
      total += ids.count + (offsets?.count ?? 0) + children.reduce(0) { $0 + $1.byteCount }
    case .dictionary(let indices, let values): total += indices.count + values.byteCount
    case .runs(let ends, let values, _): total += ends.byteCount + values.byteCount
    }
    return total
  }
}
