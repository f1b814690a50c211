// What a running server reads again: its users and its certificates, on SIGHUP and when their files change.

import GRPC
import HTTP2
import Memory
import Server
import Synchronization

/// The users of a configuration, as its options and its file say now.
func readUsers(_ configuration: ServerConfiguration) throws -> UserList {
  var users = UserList()
  for user in configuration.users { try users.add(user: user) }
  for token in configuration.tokens { try users.add(token: token) }
  if let path = configuration.usersFile { try users.add(file: try readText(path), path: path) }
  return users
}

/// Reads files again; where they are broken everything stays as it was.
final class ServeReload: Sendable {
  private let configuration: ServerConfiguration
  private let authenticator: Authenticator?
  private let tls: TLSContext?
  private let service: SQLService
  private let userFiles: WatchedFiles
  private let certificateFiles: WatchedFiles
  /// A signal and a changed file may come at once.
  private let turn = Mutex(())

  init(
    _ configuration: ServerConfiguration, _ authenticator: Authenticator?, _ tls: TLSContext?,
    _ service: SQLService
  ) {
    self.configuration = configuration
    self.authenticator = authenticator
    self.tls = tls
    self.service = service
    userFiles = WatchedFiles(authenticator == nil ? [] : [configuration.usersFile].compactMap { $0 })
    let files = [configuration.certificate, configuration.privateKey, configuration.clientAuthorities]
    certificateFiles = WatchedFiles(tls == nil ? [] : files.compactMap { $0 })
  }

  /// The files that are read again.
  var paths: [String] { userFiles.paths + certificateFiles.paths }

  /// Reads everything again.
  func reload() {
    turn.withLock { _ in
      _ = userFiles.haveChanged()
      _ = certificateFiles.haveChanged()
      reloadUsers()
      reloadCertificates()
    }
  }

  /// Reads again what has changed.
  func reloadChanged(isBeingWritten: (String) -> Bool) {
    turn.withLock { _ in
      if userFiles.haveChanged(isBeingWritten: isBeingWritten) { reloadUsers() }
      if certificateFiles.haveChanged(isBeingWritten: isBeingWritten) { reloadCertificates() }
    }
  }

  private func reloadUsers() {
    guard let authenticator, configuration.usersFile != nil else { return }
    do {
      let users = try readUsers(configuration)
      let gone = authenticator.replace(by: users)
      for user in gone { service.forget(user: user) }
      let names = gone.isEmpty ? "" : "; gone: \(gone.joined(separator: ", ").withoutControls)"
      printError("fletch serve: there are \(users.count) users now\(names)\n")
    } catch {
      printError("fletch serve: the users stay as they were: \("\(error)".withoutControls)\n")
    }
  }

  private func reloadCertificates() {
    guard let tls else { return }
    do throws(HTTP2Error) {
      try tls.reload()
      printError("fletch serve: new connections get the certificates as they are now\n")
    } catch {
      printError("fletch serve: the certificates stay as they were: \(error.message)\n")
    }
  }
}
