"""ArrowLink's clients, unchanged: its proto by protobuf's own classes, its calls by grpcio."""
import grpc
import pyarrow as pa
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from servers import serve


def messages():
    """The classes that protoc makes of ArrowLink's proto."""
    file = descriptor_pb2.FileDescriptorProto(name="data_exchange.proto", package="dataexchange", syntax="proto3")
    file.message_type.add(name="Empty")
    for name, field, kind in (("ArrowData", "payload", "BYTES"), ("Ack", "message", "STRING")):
        file.message_type.add(name=name).field.add(
            name=field, number=1, label=descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL,
            type=getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{kind}"))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return [message_factory.GetMessageClass(pool.FindMessageTypeByName(f"dataexchange.{name}"))
            for name in ("Empty", "ArrowData", "Ack")]


Empty, ArrowData, Ack = messages()


class Stub:
    def __init__(self, channel):
        path = "/dataexchange.ArrowDataService/"
        self.get = channel.unary_stream(path + "GetArrowData", request_serializer=Empty.SerializeToString,
                                        response_deserializer=ArrowData.FromString)
        self.send = channel.stream_unary(path + "SendArrowData", request_serializer=ArrowData.SerializeToString,
                                         response_deserializer=Ack.FromString)


def stub_of(server):
    return Stub(grpc.insecure_channel(server.uri.removeprefix("grpc://")))


def table_of(payloads):
    return pa.concat_tables(pa.ipc.open_stream(payload).read_all() for payload in payloads)


def test_the_default_data(programs, tmp_path):
    with serve(programs, tmp_path) as server:
        payloads = [answer.payload for answer in stub_of(server).get(Empty())]
    table = table_of(payloads)
    assert table.to_pydict() == {"id": [1], "value": [3.14]}
    assert not table.schema.field("id").nullable


def test_a_large_table_comes_in_messages_that_clients_take(programs, tmp_path):
    path = tmp_path / "readings.feather"
    programs.fletch("sample", "--kind", "readings", "--rows", "300000", "-o", path)
    with serve(programs, tmp_path, path, "--arrowlink", "readings") as server:
        payloads = [answer.payload for answer in stub_of(server).get(Empty())]
    assert len(payloads) > 3 and max(map(len, payloads)) < 4 << 20
    assert table_of(payloads).equals(pa.ipc.open_file(str(path)).read_all())


def test_what_is_sent_is_stored_and_acknowledged(programs, tmp_path):
    table = pa.table({"id": range(1000), "category": ["A", None] * 500})

    def payloads():
        for start in (0, 600):
            sink = pa.BufferOutputStream()
            part = table.slice(start, 600)
            with pa.ipc.new_stream(sink, part.schema) as writer:
                writer.write_table(part)
            yield ArrowData(payload=sink.getvalue().to_pybytes())

    with serve(programs, tmp_path, "--database", tmp_path / "database", "--arrowlink", "arrowlink") as server:
        stub = stub_of(server)
        assert "1000 rows" in stub.send(payloads()).message
        assert table_of(answer.payload for answer in stub.get(Empty())).equals(table)
        with pytest.raises(grpc.RpcError) as failure:
            stub.send(iter([ArrowData(payload=b"no stream")]))
        assert failure.value.code() == grpc.StatusCode.INVALID_ARGUMENT
        assert "1000 rows" in stub.send(payloads()).message
    with serve(programs, tmp_path, "--read-only") as server, pytest.raises(grpc.RpcError) as failure:
        stub_of(server).send(payloads())
    assert failure.value.code() == grpc.StatusCode.FAILED_PRECONDITION
