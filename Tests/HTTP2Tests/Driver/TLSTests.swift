// TLS on loopback: trust, client certificates, versions, renewal, and what is no TLS at all.

import Glibc
import HTTP2
import Memory
import Testing

@Suite(.serialized) struct TLSTests {
  private func configuration(_ files: Certificates) -> TLSConfiguration {
    .server(certificateChain: files.server, privateKey: files.serverKey)
  }

  @Test(arguments: [TLSConfiguration.Version.v12, .v13])
  func echo(_ version: TLSConfiguration.Version) async throws {
    let files = try Certificates()
    defer { files.remove() }
    var server = configuration(files)
    server.minimumVersion = version
    let running = try Running(tls: TLSContext(server: server))
    let client = try HTTP2Client()
    let trust = try TLSContext(client: .client(trustedAuthorities: files.authority))
    let connection = try await client.connect(to: running.address, tls: trust)
    #expect(connection.tls?.version == "TLSv1.3")
    let body = pattern(2_000_000)
    let reply = await connection.call("/echo", body: [Buffer(copying: body)])
    #expect(reply.body == body && reply.error == nil)
    let many = await connection.call("/bytes/10000000")
    #expect(many.count == 10_000_000 && many.inPlace > 0)
    let peer = await connection.call("/peer")
    #expect(peer.trailers.first("subject") == "none")
    #expect(peer.trailers.first("version") == "TLSv1.3")
    connection.close()
    await eventually("the server hears of the end") { running.server.metrics.connectionsOpen == 0 }
  }

  @Test func unknownAuthoritiesAndWrongNamesAreRefused() async throws {
    let files = try Certificates()
    defer { files.remove() }
    let running = try Running(tls: TLSContext(server: configuration(files)))
    let client = try HTTP2Client()
    await #expect(throws: HTTP2Error.self) {
      try await client.connect(to: running.address, tls: TLSContext(client: .client()))
    }
    var wrongName = TLSConfiguration.client(trustedAuthorities: files.authority)
    wrongName.serverName = "example.org"
    do {
      _ = try await client.connect(to: running.address, tls: TLSContext(client: wrongName))
      Issue.record("a certificate of another name was accepted")
    } catch {
      #expect(error.kind == .tls)
      #expect(error.message.contains("hostname mismatch"))
    }
    // Plain HTTP/2 to a TLS port, and TLS to a plain one.
    await #expect(throws: HTTP2Error.self) { try await client.connect(to: running.address) }
    let plain = try Running()
    await #expect(throws: HTTP2Error.self) {
      try await client.connect(to: plain.address, tls: TLSContext(client: .client()))
    }
    await eventually("all are gone") { running.server.metrics.connectionsOpen == 0 }
    #expect(running.server.metrics.tlsHandshakesFailed >= 2)
  }

  @Test func clientCertificates() async throws {
    let files = try Certificates()
    defer { files.remove() }
    var mine = TLSConfiguration.client(trustedAuthorities: files.authority)
    mine.certificateChain = files.client
    mine.privateKey = files.clientKey
    let withCertificate = try TLSContext(client: mine)
    let without = try TLSContext(client: .client(trustedAuthorities: files.authority))
    let client = try HTTP2Client()
    for mode in [TLSConfiguration.ClientCertificates.optional, .required] {
      var server = configuration(files)
      server.clientCertificates = mode
      server.trustedAuthorities = files.authority
      let running = try Running(tls: TLSContext(server: server))
      let connection = try await client.connect(to: running.address, tls: withCertificate)
      let peer = await connection.call("/peer")
      #expect(peer.trailers.first("subject") == "CN=älice,O=Fletch")
      connection.close()
      if mode == .optional {
        let other = try await client.connect(to: running.address, tls: without)
        #expect(await other.call("/peer").trailers.first("subject") == "none")
        other.close()
      } else {
        await #expect(throws: HTTP2Error.self) { try await client.connect(to: running.address, tls: without) }
      }
    }
    // Somebody else's authority.
    let others = try Certificates()
    defer { others.remove() }
    var server = configuration(files)
    server.clientCertificates = .optional
    server.trustedAuthorities = others.authority
    let running = try Running(tls: TLSContext(server: server))
    await #expect(throws: HTTP2Error.self) {
      try await client.connect(to: running.address, tls: withCertificate)
    }
  }

  @Test func certificatesAreRenewedWithoutDroppingConnections() async throws {
    let files = try Certificates()
    defer { files.remove() }
    let context = try TLSContext(server: configuration(files))
    let running = try Running(tls: context)
    let client = try HTTP2Client()
    let old = try await client.connect(
      to: running.address, tls: TLSContext(client: .client(trustedAuthorities: files.authority)))
    let before = try TLSContext(client: .client(trustedAuthorities: files.authority))
    try files.issueAuthority()
    try files.issue("server", "/CN=localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    try context.reload()
    #expect(await old.call("/hello").error == nil)
    await #expect(throws: HTTP2Error.self) { try await client.connect(to: running.address, tls: before) }
    let new = try await client.connect(
      to: running.address, tls: TLSContext(client: .client(trustedAuthorities: files.authority)))
    #expect(await new.call("/hello").error == nil)
    // A renewal that fails changes nothing.
    #expect(throws: HTTP2Error.self) {
      try context.reload(.server(certificateChain: files.client, privateKey: files.serverKey))
    }
    #expect(throws: HTTP2Error.self) {
      try TLSContext(server: .server(certificateChain: "/none", privateKey: "/none"))
    }
    #expect(await new.call("/hello").error == nil)
    old.close()
    new.close()
  }

  @Test func garbageIsNoHandshake() async throws {
    let files = try Certificates()
    defer { files.remove() }
    let running = try Running(tls: TLSContext(server: configuration(files)))
    guard case .tcp(_, let port) = running.address else { return }
    for i in 0..<50 {
      let descriptor = connectedSocket(port)
      var bytes = pattern(600, seed: i)
      if i % 2 == 0 { bytes.replaceSubrange(0..<5, with: [22, 3, 1, 2, 80]) }
      _ = send(descriptor, bytes, bytes.count, 0x4000)
      close(descriptor)
    }
    await eventually("all are gone") {
      let metrics = running.server.metrics
      return metrics.connectionsTotal == 50 && metrics.connectionsOpen == 0
    }
    let client = try HTTP2Client()
    let connection = try await client.connect(
      to: running.address, tls: TLSContext(client: .client(trustedAuthorities: files.authority)))
    #expect(await connection.call("/hello").error == nil)
    connection.close()
  }
}

/// A bare socket to a port on loopback.
func connectedSocket(_ port: Int) -> Int32 {
  let descriptor = socket(AF_INET, 1, 0)
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = UInt16(port).bigEndian
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  _ = withUnsafeBytes(of: address) {
    connect(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress!, socklen_t($0.count))
  }
  return descriptor
}
