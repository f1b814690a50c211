// grpc.reflection.v1 and v1alpha: what the server's services and messages look like.

import Memory
import Protobuf

enum ReflectionService {
  static func methods(_ registry: DescriptorRegistry) -> [GRPCMethod] {
    ["v1", "v1alpha"].map { version in
      GRPCMethod("/grpc.reflection.\(version).ServerReflection/ServerReflectionInfo", kind: .blocking) {
        call in
        while let request = try call.receive() {
          try call.send([Buffer(copying: try answer(request, registry))])
        }
      }
    }
  }

  private enum Answer {
    case files([[UInt8]])
    case services([String])
    case extensions(of: String)
    case unknown(String)
  }

  /// The response to one request; both are the same in both versions.
  static func answer(_ request: Buffer, _ registry: DescriptorRegistry) throws(DataError) -> [UInt8] {
    var host = ""
    var answer = Answer.unknown("the request asks for nothing")
    var reader = ProtobufReader(request)
    while let field = try reader.next() {
      switch field.number {
      case 1: host = try field.string()
      case 3:
        let name = try field.string()
        answer = registry.files(named: name).map { .files($0) } ?? .unknown("there is no file '\(name)'")
      case 4:
        let name = try field.string()
        answer = registry.files(defining: name).map { .files($0) } ?? .unknown("there is no symbol '\(name)'")
      case 5: answer = .unknown("there are no extensions")
      case 6:
        let name = try field.string()
        answer = registry.hasSymbol(name) ? .extensions(of: name) : .unknown("there is no type '\(name)'")
      case 7: answer = .services(registry.services)
      default: break
      }
    }
    var writer = ProtobufWriter()
    writer.string(1, host)
    writer.bytes(2, request, isPresent: true)
    switch answer {
    case .files(let files): writer.message(4) { list in for file in files { list.bytes(1, file) } }
    case .extensions(let type): writer.message(5) { $0.string(1, type) }
    case .services(let names):
      writer.message(6) { list in for name in names { list.message(1) { $0.string(1, name) } } }
    case .unknown(let message):
      writer.message(7) {
        $0.integer(1, Int64(GRPCStatus.Code.notFound.rawValue))
        $0.string(2, message)
      }
    }
    return writer.bytes
  }
}
