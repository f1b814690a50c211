// The certificates and rules that new TLS connections begin with; they can be replaced while connections run.

import COpenSSL
import Synchronization

/// An `SSL_CTX`. Each connection keeps the one that it began with alive.
final class TLSContextHandle: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): OpenSSL counts its references atomically, and nobody changes it after init.
  let pointer: OpaquePointer
  let configuration: TLSConfiguration

  init(_ configuration: TLSConfiguration, isServer: Bool) throws(HTTP2Error) {
    // Without its exit handler, which frees what threads of running connections still use when a process ends by `exit`.
    // Has to come before everything else that OpenSSL does; later calls change nothing.
    OPENSSL_init_crypto(UInt64(OPENSSL_INIT_NO_ATEXIT), nil)
    self.configuration = configuration
    ERR_clear_error()
    guard let pointer = SSL_CTX_new(isServer ? TLS_server_method() : TLS_client_method()) else {
      throw tlsError("cannot set up TLS")
    }
    self.pointer = pointer
    let minimum = configuration.minimumVersion == .v13 ? TLS1_3_VERSION : TLS1_2_VERSION
    SSL_CTX_ctrl(pointer, SSL_CTRL_SET_MIN_PROTO_VERSION, Int(minimum), nil)
    SSL_CTX_set_options(pointer, c_openssl_options)
    // An idle connection keeps no record buffers. Partial writes are not needed: memory takes everything.
    SSL_CTX_ctrl(pointer, SSL_CTRL_MODE, Int(SSL_MODE_RELEASE_BUFFERS), nil)
    // AEAD with forward secrecy only: what RFC 9113, appendix A leaves of TLS 1.2.
    SSL_CTX_set_cipher_list(pointer, "ECDHE+AESGCM:ECDHE+CHACHA20")
    do throws(HTTP2Error) {
      try loadFiles(isServer: isServer)
    } catch {
      // Thrown with all properties set, so deinit frees the context.
      throw error
    }
    if isServer {
      SSL_CTX_set_alpn_select_cb(pointer, selectH2, nil)
    } else {
      let wanted: [UInt8] = [2, 0x68, 0x32]
      SSL_CTX_set_alpn_protos(pointer, wanted, 3)
    }
  }

  deinit { SSL_CTX_free(pointer) }

  private func loadFiles(isServer: Bool) throws(HTTP2Error) {
    if let chain = configuration.certificateChain {
      guard SSL_CTX_use_certificate_chain_file(pointer, chain) == 1 else {
        throw tlsError("cannot read the certificate '\(chain)'", .invalid)
      }
      let key = configuration.privateKey ?? chain
      guard SSL_CTX_use_PrivateKey_file(pointer, key, SSL_FILETYPE_PEM) == 1 else {
        throw tlsError("cannot use the private key '\(key)'", .invalid)
      }
    } else if isServer {
      throw HTTP2Error(.invalid, "a TLS server needs a certificate")
    }
    if let authorities = configuration.trustedAuthorities {
      guard SSL_CTX_load_verify_locations(pointer, authorities, nil) == 1 else {
        throw tlsError("cannot read the authorities '\(authorities)'", .invalid)
      }
      // Tells clients which certificates would do.
      if isServer { SSL_CTX_set_client_CA_list(pointer, SSL_load_client_CA_file(authorities)) }
    } else if !isServer {
      SSL_CTX_set_default_verify_paths(pointer)
    } else if configuration.clientCertificates != .none {
      throw HTTP2Error(.invalid, "client certificates need an authority to be verified by")
    }
    let mode: Int32 =
      switch (isServer, configuration.clientCertificates) {
      case (true, .none): SSL_VERIFY_NONE
      case (true, .optional): SSL_VERIFY_PEER
      case (true, .required): SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
      case (false, _): configuration.verifiesServer ? SSL_VERIFY_PEER : SSL_VERIFY_NONE
      }
    SSL_CTX_set_verify(pointer, mode, nil)
    if isServer {
      // A resumed session must come from the same rules for client certificates.
      let id: [UInt8] = Array("fletch".utf8)
      SSL_CTX_set_session_id_context(pointer, id, UInt32(id.count))
    }
  }
}

/// Takes `h2` and nothing else.
private let selectH2: SSL_CTX_alpn_select_cb_func = { _, chosen, chosenLength, offered, length, _ in
  var i: UInt32 = 0
  while let offered, i < length {
    let n = UInt32(offered[Int(i)])
    if n == 2, i + 2 < length, offered[Int(i) + 1] == 0x68, offered[Int(i) + 2] == 0x32 {
      // SAFETY: the list outlives the callback, which is all that OpenSSL asks.
      chosen!.pointee = offered + Int(i) + 1
      chosenLength!.pointee = 2
      return SSL_TLSEXT_ERR_OK
    }
    i += n + 1
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL
}

/// The certificates of a server or client: read once, and again on `reload`.
public final class TLSContext: Sendable {
  private let current: Mutex<TLSContextHandle>
  private let isServer: Bool

  /// - Throws: `.invalid` when a file cannot be read or the key does not belong to the certificate.
  public init(server configuration: TLSConfiguration) throws(HTTP2Error) {
    isServer = true
    current = Mutex(try TLSContextHandle(configuration, isServer: true))
  }

  public init(client configuration: TLSConfiguration) throws(HTTP2Error) {
    isServer = false
    current = Mutex(try TLSContextHandle(configuration, isServer: false))
  }

  /// Reads the files again, or reads others. Connections that run keep what they began with; when this throws,
  /// everything stays as it was.
  public func reload(_ configuration: TLSConfiguration? = nil) throws(HTTP2Error) {
    let next = try TLSContextHandle(configuration ?? handle.configuration, isServer: isServer)
    current.withLock { $0 = next }
  }

  var handle: TLSContextHandle { current.withLock { $0 } }
}

/// What OpenSSL says against `what`, and nothing older.
func tlsError(_ what: String, _ kind: HTTP2Error.Kind = .tls) -> HTTP2Error {
  var reasons: [String] = []
  while case let code = ERR_get_error(), code != 0 {
    var text = [CChar](repeating: 0, count: 256)
    ERR_error_string_n(code, &text, text.count)
    // error:0A000086:SSL routines::certificate verify failed
    let whole = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    reasons.append(
      whole.split(separator: ":", omittingEmptySubsequences: false).dropFirst(4).joined(separator: ":"))
  }
  return HTTP2Error(kind, reasons.isEmpty ? what : "\(what): \(reasons.joined(separator: "; "))")
}
