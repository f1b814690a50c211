// Schemas into FlatBuffers (Schema.fbs).

import Arrow
import Memory

extension FlatBufferBuilder {
  /// Writes the Schema table.
  mutating func schema(_ schema: Schema, _ fields: [IPCField]) throws(DataError) -> Place {
    var places: [Place] = []
    for field in fields { places.append(try self.field(field)) }
    let fieldVector = vector(ofOffsets: places)
    let metadataVector = metadata(schema.metadata)
    startTable()
    add(1, offset: fieldVector)
    add(2, offset: metadataVector)
    return endTable()
  }

  /// Writes a vector of KeyValue tables; nothing for no metadata.
  mutating func metadata(_ metadata: Metadata) -> Place? {
    guard !metadata.isEmpty else { return nil }
    var places: [Place] = []
    for entry in metadata.entries {
      let key = string(entry.key)
      let value = string(entry.value)
      startTable()
      add(0, offset: key)
      add(1, offset: value)
      places.append(endTable())
    }
    return vector(ofOffsets: places)
  }

  private mutating func field(_ ipcField: IPCField) throws(DataError) -> Place {
    let field = ipcField.field
    var children: [Place] = []
    for child in ipcField.children { children.append(try self.field(child)) }
    let childVector = vector(ofOffsets: children)
    let metadataVector = metadata(field.metadata)
    let name = string(field.name)
    let (kind, type) = try self.type(ipcField.storage)
    let dictionary = ipcField.dictionary.map { self.dictionary($0, of: field.type) }
    startTable()
    add(0, offset: name)
    add(1, UInt8(field.isNullable ? 1 : 0), default: 0)
    add(2, kind.rawValue, default: 0)
    add(3, offset: type)
    add(4, offset: dictionary)
    add(5, offset: childVector)
    add(6, offset: metadataVector)
    return endTable()
  }

  private mutating func dictionary(_ encoding: IPCField.DictionaryEncoding, of type: DataType) -> Place {
    guard case .dictionary(_, _, let isOrdered) = type else { preconditionFailure() }
    let index = integer(encoding.indices)
    startTable()
    add(0, encoding.id, default: 0)
    add(1, offset: index)
    add(2, UInt8(isOrdered ? 1 : 0), default: 0)
    return endTable()
  }

  private mutating func integer(_ type: IntegerType) -> Place {
    table {
      $0.add(0, Int32(type.byteWidth * 8), default: 0)
      $0.add(1, UInt8(type.isSigned ? 1 : 0), default: 0)
    }
  }

  private mutating func table(_ addFields: (inout FlatBufferBuilder) -> Void = { _ in }) -> Place {
    startTable()
    addFields(&self)
    return endTable()
  }

  private mutating func decimal(_ precision: Int, _ scale: Int, bits: Int32) -> (TypeKind, Place) {
    let place = table {
      $0.add(0, Int32(precision), default: 0)
      $0.add(1, Int32(scale), default: 0)
      $0.add(2, bits, default: 128)
    }
    return (.decimal, place)
  }

  private mutating func unit(_ kind: TypeKind, _ value: Int16, default absent: Int16) -> (TypeKind, Place) {
    (kind, table { $0.add(0, value, default: absent) })
  }

  private mutating func type(_ type: DataType) throws(DataError) -> (TypeKind, Place) {
    switch type {
    case .null: return (.null, table())
    case .bool: return (.bool, table())
    case .int8, .int16, .int32, .int64, .uint8, .uint16, .uint32, .uint64:
      return (.int, integer(type.integerType!))
    case .float16: return unit(.floatingPoint, 0, default: 0)
    case .float32: return unit(.floatingPoint, 1, default: 0)
    case .float64: return unit(.floatingPoint, 2, default: 0)
    case .decimal32(let precision, let scale): return decimal(precision, scale, bits: 32)
    case .decimal64(let precision, let scale): return decimal(precision, scale, bits: 64)
    case .decimal128(let precision, let scale): return decimal(precision, scale, bits: 128)
    case .decimal256(let precision, let scale): return decimal(precision, scale, bits: 256)
    case .date32: return unit(.date, 0, default: 1)
    case .date64: return unit(.date, 1, default: 1)
    case .time32(let timeUnit): return unit(.time, Int16(timeUnit.rawValue), default: 1)
    case .time64(let timeUnit):
      return (
        .time,
        table {
          $0.add(0, Int16(timeUnit.rawValue), default: 1)
          $0.add(1, Int32(64), default: 32)
        }
      )
    case .timestamp(let timeUnit, let zone):
      let zone = zone.map { string($0) }
      return (
        .timestamp,
        table {
          $0.add(0, Int16(timeUnit.rawValue), default: 0)
          $0.add(1, offset: zone)
        }
      )
    case .duration(let timeUnit): return unit(.duration, Int16(timeUnit.rawValue), default: 1)
    case .interval(let intervalUnit): return unit(.interval, Int16(intervalUnit.rawValue), default: 0)
    case .utf8: return (.utf8, table())
    case .largeUtf8: return (.largeUtf8, table())
    case .utf8View: return (.utf8View, table())
    case .binary: return (.binary, table())
    case .largeBinary: return (.largeBinary, table())
    case .binaryView: return (.binaryView, table())
    case .fixedSizeBinary(let width): return (.fixedSizeBinary, table { $0.add(0, Int32(width), default: 0) })
    case .list: return (.list, table())
    case .largeList: return (.largeList, table())
    case .listView: return (.listView, table())
    case .largeListView: return (.largeListView, table())
    case .fixedSizeList(_, let size): return (.fixedSizeList, table { $0.add(0, Int32(size), default: 0) })
    case .structure: return (.structure, table())
    case .map(_, let keysSorted): return (.map, table { $0.add(0, UInt8(keysSorted ? 1 : 0), default: 0) })
    case .union(let mode, _, let ids):
      let typeIDs = vector(of: ids.map { Int32($0) })
      return (
        .union,
        table {
          $0.add(0, Int16(mode.rawValue), default: 0)
          $0.add(1, offset: typeIDs)
        }
      )
    case .runEndEncoded: return (.runEndEncoded, table())
    case .dictionary:
      throw DataError(
        .unsupported, "the IPC format has no dictionary whose values are a dictionary themselves")
    }
  }
}
