// Which words are keywords, looked up without regard to case.

/// A table of the keywords, filled once; open addressing over a hash of the lower-case bytes.
struct KeywordTable: Sendable {
  private var slots: [UInt8]
  private var words: [[UInt8]]

  static let shared = KeywordTable()

  /// In the order of `TokenKind`.
  private static let spelling = """
    ABORT ACTION AFTER ALWAYS ANALYZE ASC ATTACH BEFORE BEGIN BY CASCADE CAST COLUMN CONFLICT
    CURRENT CURRENT_DATE CURRENT_TIME CURRENT_TIMESTAMP DATABASE DEFERRED DESC DETACH DO EACH END
    EXCLUDE EXCLUSIVE EXPLAIN FAIL FILTER FIRST FOLLOWING FOR GENERATED GLOB GROUPS IF IGNORE
    IMMEDIATE INITIALLY INSTEAD KEY LAST LIKE MATCH MATERIALIZED NO NULLS OF OFFSET OTHERS OVER
    PARTITION PLAN PRAGMA PRECEDING QUERY RAISE RANGE RECURSIVE REGEXP REINDEX RELEASE RENAME
    REPLACE RESTRICT ROLLBACK ROW ROWS SAVEPOINT TEMP TEMPORARY TIES TRIGGER UNBOUNDED VACUUM VIEW
    VIRTUAL WINDOW WITH WITHOUT CROSS FULL INNER LEFT NATURAL OUTER RIGHT INDEXED ADD ALL ALTER AND
    AS AUTOINCREMENT BETWEEN CASE CHECK COLLATE COMMIT CONSTRAINT CREATE DEFAULT DEFERRABLE DELETE
    DISTINCT DROP ELSE ESCAPE EXCEPT EXISTS FOREIGN FROM GROUP HAVING IN INDEX INSERT INTERSECT INTO
    IS ISNULL JOIN LIMIT NOT NOTHING NOTNULL NULL ON OR ORDER PRIMARY REFERENCES RETURNING SELECT
    SET TABLE THEN TO TRANSACTION UNION UNIQUE UPDATE USING VALUES WHEN WHERE
    """

  private init() {
    words = Self.spelling.utf8.split(whereSeparator: { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") })
      .map { $0.map(\.asciiLowercased) }
    slots = [UInt8](repeating: .max, count: 512)
    for (number, word) in words.enumerated() {
      var place = Self.hash(word, 0, word.count)
      while slots[place] != .max { place = (place + 1) & 511 }
      slots[place] = UInt8(number)
    }
  }

  private static func hash(_ bytes: [UInt8], _ start: Int, _ end: Int) -> Int {
    var hash: UInt32 = 2_166_136_261
    for index in start..<end { hash = (hash ^ UInt32(bytes[index] | 0x20)) &* 16_777_619 }
    return Int((hash ^ (hash >> 15)) & 511)
  }

  /// The keyword that stands at these bytes, if any.
  func keyword(_ bytes: [UInt8], _ start: Int, _ end: Int) -> TokenKind? {
    let count = end - start
    guard count >= 2, count <= 17 else { return nil }
    var place = Self.hash(bytes, start, end)
    while slots[place] != .max {
      let word = words[Int(slots[place])]
      if word.count == count, matches(word, bytes, start) {
        return TokenKind(rawValue: TokenKind.abort.rawValue + slots[place])
      }
      place = (place + 1) & 511
    }
    return nil
  }

  private func matches(_ word: [UInt8], _ bytes: [UInt8], _ start: Int) -> Bool {
    for index in word.indices where word[index] != bytes[start + index].asciiLowercased { return false }
    return true
  }
}

extension UInt8 {
  /// SQLite folds the case of ASCII letters only.
  var asciiLowercased: UInt8 { self >= 65 && self <= 90 ? self | 0x20 : self }
}
