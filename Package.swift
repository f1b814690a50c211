// swift-tools-version: 6.2
import PackageDescription

// Targets stand floor by floor; a target may only depend on targets above it in this list.
// `scripts/check-layers` holds the source files to the same rule.

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  // Spans that borrow from their buffer: what keeps raw pointers inside `Memory`.
  .enableExperimentalFeature("Lifetimes"),
]

let package = Package(
  name: "Fletch",
  products: [
    .executable(name: "fletch", targets: ["fletch"]),
    .library(name: "Arrow", targets: ["Memory", "Arrow", "ArrowIPC"]),
    .library(name: "FletchClient", targets: ["Memory", "Arrow", "ArrowIPC", "Flight", "FlightSQL"]),
  ],
  targets: [
    // Floor 0: C libraries from Debian.
    .systemLibrary(
      name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .systemLibrary(
      name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),

    .systemLibrary(
      name: "CNGHTTP2", pkgConfig: "libnghttp2", providers: [.apt(["libnghttp2-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CLinux"),
    .systemLibrary(
      name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),

    .systemLibrary(
      name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),

    // Floor 1: bytes, and files of settings.
    .target(name: "Configuration", dependencies: ["CYAML"], swiftSettings: settings),
    .target(name: "Memory", dependencies: ["CLinux"], swiftSettings: settings),

    // Floor 2 of the wire: HTTP/2, and the encoding of messages.
    .target(name: "Protobuf", dependencies: ["Memory"], swiftSettings: settings),
    .target(
      name: "HTTP2", dependencies: ["Memory", "CNGHTTP2", "COpenSSL", "CLinux"],
      swiftSettings: settings),

    // Floor 3 of the wire: calls.
    .target(name: "GRPC", dependencies: ["Memory", "Protobuf", "HTTP2"], swiftSettings: settings),

    // Floor 2: columns.
    .target(name: "Arrow", dependencies: ["Memory"], swiftSettings: settings),

    // Floor 3: columns as bytes.
    .target(
      name: "ArrowIPC", dependencies: ["Memory", "Arrow", "CZstd", "CLZ4"],
      swiftSettings: settings),

    // Floor 4: the front end of SQL.
    .target(name: "SQL", dependencies: ["Memory", "Arrow"], swiftSettings: settings),

    // Floor 4 of the wire: Flight, which carries columns.
    .target(
      name: "Flight", dependencies: ["Memory", "Arrow", "ArrowIPC", "Protobuf", "HTTP2", "GRPC"],
      swiftSettings: settings),

    // Floor 3 of the data: operations on columns.
    .target(name: "Kernels", dependencies: ["Memory", "Arrow"], swiftSettings: settings),

    // Floor 4 of the data: SQLite.
    .target(name: "SQLite", dependencies: ["CSQLite"], swiftSettings: settings),

    // Floor 5 of the data: tables, columns at rest and rows in motion.
    .target(
      name: "Tables", dependencies: ["Memory", "Arrow", "ArrowIPC", "Kernels", "SQLite"],
      swiftSettings: settings),

    // Floor 6 of the data: queries on columns.
    .target(
      name: "Query", dependencies: ["Memory", "Arrow", "Kernels", "SQL", "SQLite", "Tables"],
      swiftSettings: settings),

    // Floor 7: the engine, which the wire calls.
    .target(
      name: "Engine", dependencies: ["Memory", "Arrow", "SQL", "SQLite", "Tables", "Query", "CLinux"],
      swiftSettings: settings),

    // Floor 5 of the wire: Flight SQL.
    .target(
      name: "FlightSQL",
      dependencies: ["Memory", "Arrow", "ArrowIPC", "Protobuf", "HTTP2", "GRPC", "Flight"],
      swiftSettings: settings),

    // Floor 8: where the towers meet.
    .target(
      name: "Server",
      dependencies: [
        "Memory", "Arrow", "ArrowIPC", "Protobuf", "HTTP2", "GRPC", "Flight", "FlightSQL", "Tables", "Engine",
        "Configuration", "CLinux", "COpenSSL",
      ],
      swiftSettings: settings),

    // Floor 3: results as text.
    .target(name: "Printing", dependencies: ["Memory", "Arrow"], swiftSettings: settings),

    // Beside the floors: data to try everything with.
    .target(name: "Samples", dependencies: ["Memory", "Arrow"], swiftSettings: settings),

    // Floor 9: the program.
    .executableTarget(
      name: "fletch",
      dependencies: [
        "Memory", "Arrow", "ArrowIPC", "Printing", "Samples", "HTTP2", "GRPC", "Flight", "FlightSQL", "SQL",
        "Tables", "Engine", "Server", "Configuration",
      ],
      swiftSettings: settings),

    // Programs of the tests: what the oracle and the fuzzers drive.
    .executableTarget(
      name: "fletch-oracle", dependencies: ["Memory", "Arrow", "ArrowIPC", "Samples"],
      path: "Tests/OracleProgram", swiftSettings: settings),
    .executableTarget(
      name: "fletch-mutate", dependencies: ["Memory", "Arrow", "ArrowIPC", "Samples"],
      path: "Tests/MutateProgram", swiftSettings: settings),

    .executableTarget(
      name: "fletch-tables", dependencies: ["Memory", "Arrow", "ArrowIPC", "Samples", "SQLite", "Tables"],
      path: "Tests/TablesProgram", swiftSettings: settings),

    .executableTarget(
      name: "fletch-grpc-echo", dependencies: ["Memory", "HTTP2", "GRPC", "Flight"],
      path: "Tests/EchoProgram", swiftSettings: settings),

    .executableTarget(
      name: "fletch-flightsql-fake",
      dependencies: ["Memory", "Arrow", "ArrowIPC", "Protobuf", "HTTP2", "GRPC", "Flight", "FlightSQL"],
      path: "Tests/FlightSQLProgram", swiftSettings: settings),

    .executableTarget(
      name: "fletch-client-example", dependencies: ["Arrow", "Flight", "FlightSQL"],
      path: "Tests/ClientProgram", swiftSettings: settings),

    .executableTarget(
      name: "fletch-query-bench",
      dependencies: ["Memory", "Arrow", "ArrowIPC", "SQL", "SQLite", "Tables", "Query"],
      path: "Tests/QueryBenchProgram", swiftSettings: settings),

    .executableTarget(
      name: "fletch-differential",
      dependencies: ["Memory", "Arrow", "SQL", "SQLite", "Tables", "Query", "Engine"],
      path: "Tests/DifferentialProgram", swiftSettings: settings),

    .testTarget(
      name: "QueryTests",
      dependencies: [
        "fletch-differential", "Query", "Tables", "SQL", "SQLite", "Arrow", "Memory", "Samples",
      ],
      swiftSettings: settings),
    .testTarget(
      name: "FlightSQLTests",
      dependencies: [
        "FlightSQL", "fletch-flightsql-fake", "Flight", "Arrow", "ArrowIPC", "GRPC", "HTTP2", "Memory",
        "Protobuf", "Samples",
      ],
      swiftSettings: settings),
    .testTarget(
      name: "ServerTests",
      dependencies: ["Server", "HTTP2", "GRPC", "Arrow", "ArrowIPC", "Memory", "Samples"],
      swiftSettings: settings),
    .testTarget(
      name: "FlightTests",
      dependencies: ["Flight", "Arrow", "ArrowIPC", "GRPC", "HTTP2", "Memory", "Protobuf", "Samples"],
      swiftSettings: settings),
    .testTarget(name: "ConfigurationTests", dependencies: ["Configuration"], swiftSettings: settings),
    .testTarget(name: "ProtobufTests", dependencies: ["Protobuf", "Memory"], swiftSettings: settings),
    .testTarget(name: "HTTP2Tests", dependencies: ["HTTP2", "Memory"], swiftSettings: settings),
    .testTarget(
      name: "GRPCTests", dependencies: ["GRPC", "HTTP2", "Protobuf", "Memory"], swiftSettings: settings),
    .testTarget(
      name: "KernelsTests", dependencies: ["Kernels", "Arrow", "Memory", "Samples"], swiftSettings: settings),
    .testTarget(
      name: "EngineTests", dependencies: ["Engine", "Tables", "Arrow", "ArrowIPC", "Memory", "Samples"],
      swiftSettings: settings),
    .testTarget(name: "SQLiteTests", dependencies: ["SQLite"], swiftSettings: settings),
    .testTarget(
      name: "TablesTests",
      dependencies: ["Tables", "SQLite", "CSQLite", "Arrow", "ArrowIPC", "Memory", "Samples"],
      exclude: ["SQL"], swiftSettings: settings),
    .testTarget(
      name: "SQLTests", dependencies: ["SQL", "Arrow", "Memory", "CSQLite"], swiftSettings: settings),
    .testTarget(name: "MemoryTests", dependencies: ["Memory", "Samples"], swiftSettings: settings),
    .testTarget(name: "ArrowTests", dependencies: ["Arrow", "Memory", "Samples"], swiftSettings: settings),
    .testTarget(
      name: "PrintingTests", dependencies: ["Printing", "Arrow", "Memory", "Samples"], swiftSettings: settings
    ),
    .testTarget(
      name: "ArrowIPCTests", dependencies: ["ArrowIPC", "Arrow", "Memory", "Samples"],
      swiftSettings: settings),
  ]
)
