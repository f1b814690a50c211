// One TLS connection without I/O: ciphertext in, plaintext out, and the other way round.

import COpenSSL
import Glibc

/// An `SSL` between two memories: it reads ciphertext where the driver put it, and collects ciphertext for the driver
/// to send many records a system call (an `SSL` on the socket itself makes one `write` per 16 KiB record).
final class TLSEngine {
  enum Result: Equatable {
    case done(Int)
    /// Nothing more before there is more ciphertext.
    case wantsInput
    /// The peer has ended TLS in order.
    case closed
    case failed(HTTP2Error)
  }

  /// The largest plaintext in a record.
  static let recordSize = 16384
  /// Encrypted bytes wait for the socket up to about this many.
  static let outputLimit = 256 << 10

  private let ssl: OpaquePointer
  private let context: TLSContextHandle
  private let isServer: Bool
  private(set) var isEstablished = false
  /// The ciphertext that `feed` gave and OpenSSL has not taken; points into the caller's memory.
  private var input = UnsafeRawBufferPointer(start: nil, count: 0)
  fileprivate var cipher: UnsafeMutableRawPointer?
  fileprivate var cipherCapacity = 0
  fileprivate var cipherEnd = 0
  private var cipherStart = 0

  /// - Parameter host: the name to check and to ask for (client).
  init(_ context: TLSContextHandle, isServer: Bool, host: String?) throws(HTTP2Error) {
    self.context = context
    self.isServer = isServer
    guard let ssl = SSL_new(context.pointer) else { throw tlsError("cannot begin TLS") }
    self.ssl = ssl
    guard let bio = BIO_new(memoryBIO.pointer) else { throw tlsError("cannot begin TLS") }
    // SAFETY: the BIO belongs to `ssl`, which deinit frees, so the unretained pointer never outlives this object.
    BIO_set_data(bio, Unmanaged.passUnretained(self).toOpaque())
    BIO_set_init(bio, 1)
    SSL_set_bio(ssl, bio, bio)
    if isServer {
      SSL_set_accept_state(ssl)
      return
    }
    SSL_set_connect_state(ssl)
    if let name = context.configuration.serverName ?? host {
      var address = in6_addr()
      let isAddress = inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1
      if isAddress {
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name)
      } else {
        SSL_set1_host(ssl, name)
        _ = name.withCString { text in
          SSL_ctrl(
            ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, Int(TLSEXT_NAMETYPE_host_name),
            UnsafeMutableRawPointer(mutating: text))
        }
      }
    }
  }

  deinit {
    SSL_free(ssl)
    free(cipher)
  }

  // MARK: Input

  /// Gives ciphertext to read from; it must stay in place until `handshake` or `read` says `wantsInput`.
  func feed(_ bytes: UnsafeRawBufferPointer) { input = bytes }

  fileprivate func takeInput(_ destination: UnsafeMutableRawPointer, _ limit: Int) -> Int {
    let n = min(limit, input.count)
    if n > 0 { memcpy(destination, input.baseAddress!, n) }
    input = UnsafeRawBufferPointer(rebasing: input[n...])
    return n
  }

  /// Goes on with the handshake; `done` once it is through and `h2` was agreed on.
  func handshake() -> Result {
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    guard result == 1 else {
      let verdict = SSL_get_verify_result(ssl)
      if case let outcome = outcome(result, "the TLS handshake failed"), outcome == .wantsInput {
        return outcome
      }
      var error = failure ?? tlsError("the TLS handshake failed")
      failure = nil
      if Int32(verdict) != X509_V_OK {
        error.message += " (\(String(cString: X509_verify_cert_error_string(verdict))))"
      }
      return .failed(error)
    }
    var name: UnsafePointer<UInt8>?
    var length: UInt32 = 0
    SSL_get0_alpn_selected(ssl, &name, &length)
    guard length == 2, let name, name[0] == 0x68, name[1] == 0x32 else {
      return .failed(HTTP2Error(.tls, "the peer does not offer h2 (ALPN)"))
    }
    isEstablished = true
    return .done(0)
  }

  /// Decrypts into `destination`, at most one record.
  func read(into destination: UnsafeMutableRawBufferPointer) -> Result {
    ERR_clear_error()
    let n = SSL_read(ssl, destination.baseAddress, Int32(clamping: destination.count))
    return n > 0 ? .done(Int(n)) : outcome(n, "TLS failed")
  }

  private var failure: HTTP2Error?

  private func outcome(_ result: Int32, _ what: String) -> Result {
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wantsInput
    case SSL_ERROR_ZERO_RETURN: return .closed
    default:
      let error = tlsError(what)
      failure = error
      return .failed(error)
    }
  }

  // MARK: Output

  /// Ciphertext to send.
  var output: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(
      start: cipher.map { UnsafeRawPointer($0) + cipherStart }, count: cipherEnd - cipherStart)
  }

  /// Forgets the first `n` bytes of `output`. An empty one gives its memory back: an idle connection has none.
  func takeOutput(_ n: Int, keepsMemory: Bool) {
    cipherStart += n
    guard cipherStart == cipherEnd else { return }
    cipherStart = 0
    cipherEnd = 0
    if !keepsMemory {
      free(cipher)
      cipher = nil
      cipherCapacity = 0
    }
  }

  fileprivate func putOutput(_ bytes: UnsafeRawPointer, _ count: Int) {
    if count > cipherCapacity - cipherEnd, cipherStart > 0 {
      memmove(cipher!, cipher! + cipherStart, cipherEnd - cipherStart)
      cipherEnd -= cipherStart
      cipherStart = 0
    }
    if count > cipherCapacity - cipherEnd {
      cipherCapacity = max(cipherEnd + count, 2 * cipherCapacity, 4096)
      cipher = realloc(cipher, cipherCapacity)
      precondition(cipher != nil, "out of memory")
    }
    memcpy(cipher! + cipherEnd, bytes, count)
    cipherEnd += count
  }

  /// Encrypts what the list has at its front until about `outputLimit` bytes wait. Small pieces share a record with
  /// the beginning of the body that follows; the rest of a body is encrypted from where it lies.
  /// - Parameter staging: scratch memory of `recordSize` bytes.
  func encrypt(_ list: GatherList, staging: UnsafeMutableRawBufferPointer) throws(HTTP2Error) {
    while output.count < TLSEngine.outputLimit, let (bytes, isBody) = list.front() {
      if isBody, bytes.count >= TLSEngine.recordSize {
        let whole = min(bytes.count, TLSEngine.outputLimit)
        let n = try write(
          UnsafeRawBufferPointer(rebasing: bytes[..<(whole / TLSEngine.recordSize * TLSEngine.recordSize)]))
        list.take(n)
      } else {
        let n = list.copyFront(into: staging)
        let record = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(staging)[..<n])
        var done = 0
        while done < n { done += try write(UnsafeRawBufferPointer(rebasing: record[done...])) }
      }
    }
  }

  private func write(_ bytes: UnsafeRawBufferPointer) throws(HTTP2Error) -> Int {
    ERR_clear_error()
    let n = SSL_write(ssl, bytes.baseAddress, Int32(bytes.count))
    guard n > 0 else {
      if case .failed(let error) = outcome(n, "TLS failed") { throw error }
      // Memory never blocks, and there is no renegotiation to wait for.
      throw HTTP2Error(.tls, "TLS cannot write")
    }
    return Int(n)
  }

  /// Says that no more plaintext comes.
  func close() {
    guard isEstablished else { return }
    ERR_clear_error()
    SSL_shutdown(ssl)
  }

  // MARK: What was settled

  var info: TLSInfo {
    var info = TLSInfo(
      version: String(cString: SSL_get_version(ssl)),
      cipher: SSL_get_current_cipher(ssl).map { String(cString: SSL_CIPHER_get_name($0)) } ?? "")
    guard let certificate = SSL_get1_peer_certificate(ssl) else { return info }
    defer { X509_free(certificate) }
    let isVerified =
      SSL_get_verify_result(ssl) == Int(X509_V_OK) && SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER != 0
    guard isVerified, let subject = X509_get_subject_name(certificate) else { return info }
    info.peerSubject = print(subject)
    info.peerCommonName = commonName(subject)
    return info
  }

  private func print(_ name: OpaquePointer) -> String? {
    guard let bio = BIO_new(BIO_s_mem()) else { return nil }
    defer { BIO_free(bio) }
    // RFC 2253 without the escapes for bytes above 127: the text is UTF-8.
    X509_NAME_print_ex(bio, name, 0, c_openssl_name_format)
    var text = [UInt8](repeating: 0, count: 4096)
    let n = BIO_read(bio, &text, Int32(text.count))
    return n > 0 ? String(decoding: text[..<Int(n)], as: UTF8.self) : nil
  }

  private func commonName(_ name: OpaquePointer) -> String? {
    let index = X509_NAME_get_index_by_NID(name, NID_commonName, -1)
    guard index >= 0, let entry = X509_NAME_get_entry(name, index) else { return nil }
    var text: UnsafeMutablePointer<UInt8>?
    let n = ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(entry))
    defer { CRYPTO_free(text, nil, 0) }
    return n > 0 ? String(decoding: UnsafeBufferPointer(start: text, count: Int(n)), as: UTF8.self) : nil
  }
}

/// The BIO between an `SSL` and its engine.
private struct MemoryBIO: @unchecked Sendable {
  // SAFETY (@unchecked Sendable): made once, and only read after.
  let pointer: OpaquePointer
}

private func engine(_ bio: OpaquePointer?) -> TLSEngine {
  // SAFETY: see `TLSEngine.init`.
  Unmanaged<TLSEngine>.fromOpaque(BIO_get_data(bio)).takeUnretainedValue()
}

private let memoryBIO: MemoryBIO = {
  let method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | 100, "fletch")!
  BIO_meth_set_read_ex(method) { bio, destination, limit, count in
    let n = engine(bio).takeInput(destination!, limit)
    count!.pointee = n
    if n > 0 { return 1 }
    BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY)
    return 0
  }
  BIO_meth_set_write_ex(method) { bio, bytes, length, count in
    engine(bio).putOutput(bytes!, length)
    count!.pointee = length
    return 1
  }
  BIO_meth_set_ctrl(method) { _, command, _, _ in command == BIO_CTRL_FLUSH ? 1 : 0 }
  return MemoryBIO(pointer: method)
}()
