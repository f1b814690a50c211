// stub
import HTTP2
import Memory

public final class GRPCServer: Sendable {
  public init(
    methods: [GRPCMethod], options: GRPCServerOptions = GRPCServerOptions(),
    interceptors: [any ServerInterceptor] = []
  ) {}
  @discardableResult
  public func listen(on address: SocketAddress, tls: TLSContext? = nil) throws(HTTP2Error) -> SocketAddress { address }
  @discardableResult
  public func shutdown(within seconds: Double) -> Bool { true }
  public func close() {}
  public var metrics: Metrics { fatalError() }
  public let health = HealthService()
  public let descriptors = DescriptorRegistry()
}
public final class HealthService: Sendable {
  public enum ServingStatus: Int, Sendable { case unknown, serving, notServing, serviceUnknown }
  public func set(_ status: ServingStatus, for service: String = "") {}
}
public final class DescriptorRegistry: Sendable {
  public func register(_ file: [UInt8]) throws(DataError) {}
}
