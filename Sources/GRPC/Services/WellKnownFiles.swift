// The descriptors of the services that every server has.

enum WellKnownFiles {
  static let health = ProtoFile(
    "grpc/health/v1/health.proto", package: "grpc.health.v1",
    messages: [
      ProtoMessage("HealthCheckRequest", [ProtoField("service", 1, .string)]),
      ProtoMessage(
        "HealthCheckResponse",
        [ProtoField("status", 1, .enumeration(".grpc.health.v1.HealthCheckResponse.ServingStatus"))],
        enums: [
          ProtoEnum(
            "ServingStatus",
            [("UNKNOWN", 0), ("SERVING", 1), ("NOT_SERVING", 2), ("SERVICE_UNKNOWN", 3)])
        ]),
    ],
    services: [
      ProtoService(
        "Health",
        [
          ProtoMethod(
            "Check", ".grpc.health.v1.HealthCheckRequest", ".grpc.health.v1.HealthCheckResponse"),
          ProtoMethod(
            "Watch", ".grpc.health.v1.HealthCheckRequest", ".grpc.health.v1.HealthCheckResponse",
            serverStreams: true),
        ])
    ])

  /// Both versions, which differ in their package only.
  static let reflection = [
    reflection("grpc/reflection/v1/reflection.proto", "grpc.reflection.v1"),
    reflection("grpc/reflection/v1alpha/reflection.proto", "grpc.reflection.v1alpha"),
  ]

  private static func reflection(_ name: String, _ package: String) -> ProtoFile {
    let type = { (name: String) in ".\(package).\(name)" }
    return ProtoFile(
      name, package: package,
      messages: [
        ProtoMessage(
          "ServerReflectionRequest",
          [
            ProtoField("host", 1, .string),
            ProtoField("file_by_filename", 3, .string, oneof: 0),
            ProtoField("file_containing_symbol", 4, .string, oneof: 0),
            ProtoField("file_containing_extension", 5, .message(type("ExtensionRequest")), oneof: 0),
            ProtoField("all_extension_numbers_of_type", 6, .string, oneof: 0),
            ProtoField("list_services", 7, .string, oneof: 0),
          ], oneofs: ["message_request"]),
        ProtoMessage(
          "ExtensionRequest",
          [ProtoField("containing_type", 1, .string), ProtoField("extension_number", 2, .int32)]),
        ProtoMessage(
          "ServerReflectionResponse",
          [
            ProtoField("valid_host", 1, .string),
            ProtoField("original_request", 2, .message(type("ServerReflectionRequest"))),
            ProtoField("file_descriptor_response", 4, .message(type("FileDescriptorResponse")), oneof: 0),
            ProtoField(
              "all_extension_numbers_response", 5, .message(type("ExtensionNumberResponse")), oneof: 0),
            ProtoField("list_services_response", 6, .message(type("ListServiceResponse")), oneof: 0),
            ProtoField("error_response", 7, .message(type("ErrorResponse")), oneof: 0),
          ], oneofs: ["message_response"]),
        ProtoMessage(
          "FileDescriptorResponse", [ProtoField("file_descriptor_proto", 1, .bytes, isRepeated: true)]),
        ProtoMessage(
          "ExtensionNumberResponse",
          [
            ProtoField("base_type_name", 1, .string),
            ProtoField("extension_number", 2, .int32, isRepeated: true),
          ]),
        ProtoMessage(
          "ListServiceResponse",
          [ProtoField("service", 1, .message(type("ServiceResponse")), isRepeated: true)]),
        ProtoMessage("ServiceResponse", [ProtoField("name", 1, .string)]),
        ProtoMessage(
          "ErrorResponse", [ProtoField("error_code", 1, .int32), ProtoField("error_message", 2, .string)]),
      ],
      services: [
        ProtoService(
          "ServerReflection",
          [
            ProtoMethod(
              "ServerReflectionInfo", type("ServerReflectionRequest"), type("ServerReflectionResponse"),
              clientStreams: true, serverStreams: true)
          ])
      ])
  }
}
