// Work on a database that somebody kills at any moment.

struct CrashWork {
  init(_ options: Options) {}
  func run() throws {}
}
