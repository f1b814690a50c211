// In which order inputs are joined: the cheapest by what is known of their sizes.

/// What is joined with what. The rows of `probe` are looked up in those of `build`.
indirect enum JoinTree {
  case leaf(Int)
  case join(probe: JoinTree, build: JoinTree, rows: Double)
}

/// Finds the cheapest tree over inputs: all of them where they are few, else one after the other.
struct JoinOrder {
  /// An equality of some inputs with others.
  struct Edge {
    /// Bits of inputs.
    var left: UInt64
    var right: UInt64
    /// About how many values there are on each side, before filters.
    var leftDistinct: Double
    var rightDistinct: Double
  }

  /// Of each input: rows after its filters, and before.
  let rows: [Double]
  let baseRows: [Double]
  let edges: [Edge]

  private struct Best {
    var cost: Double
    var rows: Double
    var tree: JoinTree
    /// Whether it is more than an input.
    var isJoin = true
  }

  /// Trees of inputs that are connected; those of different trees are not.
  func trees() -> [(mask: UInt64, tree: JoinTree, rows: Double)] {
    var left = (0..<rows.count).reduce(UInt64(0)) { $0 | 1 << UInt64($1) }
    var trees: [(mask: UInt64, tree: JoinTree, rows: Double)] = []
    while left != 0 {
      let component = component(of: left & (0 &- left))
      left &= ~component
      let best = component.nonzeroBitCount <= 11 ? cheapest(component) : greedy(component)
      trees.append((mask: component, tree: best.tree, rows: best.rows))
    }
    return trees
  }

  /// All inputs that are connected with some.
  private func component(of start: UInt64) -> UInt64 {
    var mask = start
    var isGrowing = true
    while isGrowing {
      isGrowing = false
      for edge in edges where (edge.left | edge.right) & mask != 0 && (edge.left | edge.right) & ~mask != 0 {
        // An equality of several inputs connects once one of its sides is there.
        if edge.left & ~mask == 0 || edge.right & ~mask == 0 {
          mask |= edge.left | edge.right
          isGrowing = true
        }
      }
    }
    return mask
  }

  /// The part of all pairs that are equal; nil without an equality.
  private func selectivity(_ a: UInt64, _ b: UInt64) -> Double? {
    /// Equalities of the same inputs are one key of several columns.
    var keys: [(left: UInt64, right: UInt64, leftDistinct: Double, rightDistinct: Double)] = []
    for edge in edges {
      var (left, right, leftDistinct, rightDistinct) = (
        edge.left, edge.right, edge.leftDistinct, edge.rightDistinct
      )
      if left & ~b == 0, right & ~a == 0 {
        (left, right, leftDistinct, rightDistinct) = (right, left, rightDistinct, leftDistinct)
      }
      guard left & ~a == 0, right & ~b == 0 else { continue }
      if let i = keys.firstIndex(where: { $0.left == left && $0.right == right }) {
        keys[i].leftDistinct *= leftDistinct
        keys[i].rightDistinct *= rightDistinct
      } else {
        keys.append((left, right, leftDistinct, rightDistinct))
      }
    }
    guard !keys.isEmpty else { return nil }
    return keys.reduce(1) { result, key in
      let (x, y) = (size(key.left), size(key.right))
      let (left, right) = (min(key.leftDistinct, x), min(key.rightDistinct, y))
      // A key that every row has for itself finds one row at most; of two such, the rarer one is it.
      let isLeftKey = left >= x * 0.9
      let isRightKey = right >= y * 0.9
      let values: Double
      switch (isLeftKey, isRightKey) {
      case (true, true): values = min(left, right)
      case (true, false): values = left
      case (false, true): values = right
      case (false, false): values = max(left, right)
      }
      return result / max(values, 1)
    }
  }

  private func size(_ mask: UInt64) -> Double {
    baseRows.indices.reduce(1) { mask >> UInt64($1) & 1 == 1 ? max($0, baseRows[$1]) : $0 }
  }

  private func leaf(_ input: Int) -> Best {
    Best(cost: 0, rows: rows[input], tree: .leaf(input), isJoin: false)
  }

  private func join(_ a: Best, _ b: Best, _ selectivity: Double) -> Best {
    let rows = max(a.rows * b.rows * selectivity, 1)
    func cost(probe: Best, build: Best) -> Double {
      // Rows that are built are written, hashed, and read out of order, the more so the more they are.
      let written = build.isJoin ? 4.0 : 3.0
      let miss = build.rows > 200_000 ? 2.0 : 1.0
      return probe.cost + build.cost + build.rows * written + probe.rows * miss + rows
    }
    let (ab, ba) = (cost(probe: a, build: b), cost(probe: b, build: a))
    return ab <= ba
      ? Best(cost: ab, rows: rows, tree: .join(probe: a.tree, build: b.tree, rows: rows))
      : Best(cost: ba, rows: rows, tree: .join(probe: b.tree, build: a.tree, rows: rows))
  }

  /// The best of all trees, by those of all parts.
  private func cheapest(_ component: UInt64) -> Best {
    let inputs = rows.indices.filter { component >> UInt64($0) & 1 == 1 }
    var best = [Best?](repeating: nil, count: 1 << inputs.count)
    func mask(_ subset: Int) -> UInt64 {
      inputs.enumerated().reduce(0) { subset >> $1.offset & 1 == 1 ? $0 | 1 << UInt64($1.element) : $0 }
    }
    for (number, input) in inputs.enumerated() { best[1 << number] = leaf(input) }
    let masks = best.indices.map(mask)
    for subset in best.indices where subset.nonzeroBitCount > 1 {
      // Each split once: the part with the lowest input on the left.
      let lowest = subset & -subset
      var part = (subset - 1) & subset
      while part > 0 {
        if part & lowest != 0, let a = best[part], let b = best[subset & ~part],
          let selectivity = self.selectivity(masks[part], masks[subset & ~part])
        {
          let joined = join(a, b, selectivity)
          if joined.cost < best[subset]?.cost ?? .infinity { best[subset] = joined }
        }
        part = (part - 1) & subset
      }
    }
    return best[best.count - 1] ?? greedy(component)
  }

  /// The largest input, and then always what makes the fewest rows.
  private func greedy(_ component: UInt64) -> Best {
    var left = rows.indices.filter { component >> UInt64($0) & 1 == 1 }
    let first = left.max { rows[$0] < rows[$1] }!
    left.removeAll { $0 == first }
    var best = leaf(first)
    var mask = UInt64(1) << UInt64(first)
    while !left.isEmpty {
      let next = left.min { a, b in
        self.rows[a] * (selectivity(mask, 1 << UInt64(a)) ?? 1e9)
          < self.rows[b] * (selectivity(mask, 1 << UInt64(b)) ?? 1e9)
      }!
      let other = leaf(next)
      let rows = max(best.rows * other.rows * (selectivity(mask, 1 << UInt64(next)) ?? 1), 1)
      best = Best(cost: 0, rows: rows, tree: .join(probe: best.tree, build: other.tree, rows: rows))
      mask |= 1 << UInt64(next)
      left.removeAll { $0 == next }
    }
    return best
  }
}
