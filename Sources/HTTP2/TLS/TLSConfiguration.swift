// What a server or a client wants of TLS: certificates, trust, versions.

/// Certificates and keys are files in PEM form.
public struct TLSConfiguration: Sendable {
  public enum Version: Sendable { case v12, v13 }

  /// Whether a server asks for the client's certificate.
  public enum ClientCertificates: Sendable {
    case none
    /// Asked for, and verified if there is one.
    case optional
    /// A handshake without one that verifies fails.
    case required
  }

  /// The certificate followed by its intermediates. A server needs one; a client has one for mutual TLS.
  public var certificateChain: String?
  public var privateKey: String?
  /// Authorities to trust: on a server for client certificates, on a client instead of the system's.
  public var trustedAuthorities: String?
  public var clientCertificates = ClientCertificates.none
  public var minimumVersion = Version.v12
  /// Client: whether the server's certificate and name are checked. Off is for trying things out only.
  public var verifiesServer = true
  /// Client: the name that the certificate must have; nil is the host that is connected to.
  public var serverName: String?

  public static func server(certificateChain: String, privateKey: String) -> TLSConfiguration {
    var configuration = TLSConfiguration()
    configuration.certificateChain = certificateChain
    configuration.privateKey = privateKey
    return configuration
  }

  public static func client(trustedAuthorities: String? = nil) -> TLSConfiguration {
    var configuration = TLSConfiguration()
    configuration.trustedAuthorities = trustedAuthorities
    return configuration
  }
}

/// What a TLS handshake settled.
public struct TLSInfo: Sendable, Equatable {
  /// `TLSv1.3`
  public var version: String
  /// `TLS_AES_256_GCM_SHA384`
  public var cipher: String
  /// The subject of the peer's certificate in RFC 2253 form (`CN=alice,O=x`), when it sent one and it was verified.
  public var peerSubject: String?
  /// The common name in it, if there is one.
  public var peerCommonName: String?
}
