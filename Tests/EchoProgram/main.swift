import GRPC
print("echo")
