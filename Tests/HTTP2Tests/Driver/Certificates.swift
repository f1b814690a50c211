// Certificates for one test, made by the openssl command in a folder of their own.

import Glibc
import Testing

/// An authority with a server's and a client's certificate.
struct Certificates {
  let folder: String
  var authority: String { folder + "/ca.pem" }
  var server: String { folder + "/server.pem" }
  var serverKey: String { folder + "/server.key" }
  var client: String { folder + "/client.pem" }
  var clientKey: String { folder + "/client.key" }

  init() throws {
    var template = Array("/tmp/fletch-certificates-XXXXXX".utf8CString)
    _ = mkdtemp(&template)
    folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    try issueAuthority()
    try issue("server", "/CN=localhost", "subjectAltName=DNS:localhost,IP:127.0.0.1")
    try issue("client", "/O=Fletch/CN=älice", "extendedKeyUsage=clientAuth")
  }

  func remove() { run("rm -rf \(folder)") }

  func issueAuthority() throws {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    run("openssl req -x509 \(key) -keyout \(folder)/ca.key -out \(authority) -subj /CN=authority -days 2")
  }

  /// Makes or replaces `name.pem` and `name.key`.
  func issue(_ name: String, _ subject: String, _ extension: String) throws {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
    run(
      "openssl req -utf8 \(key) -keyout \(folder)/\(name).key -out \(folder)/\(name).csr -subj '\(subject)'")
    run("echo '\(`extension`)' > \(folder)/\(name).ext")
    run(
      "openssl x509 -req -in \(folder)/\(name).csr -CA \(authority) -CAkey \(folder)/ca.key -CAcreateserial "
        + "-out \(folder)/\(name).pem -days 2 -extfile \(folder)/\(name).ext")
  }

  private func run(_ command: String) {
    #expect(system("( \(command) ) >/dev/null 2>&1") == 0, "\(command)")
  }
}
