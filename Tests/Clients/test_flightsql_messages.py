"""Every message of Flight SQL and of Flight's sessions, made by Python's protobuf and read and written by Fletch."""
import pathlib
import random
import re

import pytest
from google.protobuf.descriptor import FieldDescriptor

import flightsql_proto as proto

SQL_MESSAGES = [name for name in proto.file_messages("FlightSql.proto") if name != "SubstraitPlan"]
FLIGHT_MESSAGES = [
    name for name in proto.file_messages("Flight.proto") if re.search("Session|Cancel|Renew", name) and name != "SessionOptionValue"
]
# What Fletch refuses although protobuf does not mind: the specification says that no client may send it.
MUST_BE_SET = {"action", "if_not_exist", "if_exists", "table", "pk_table", "fk_table", "table_definition_options", "endpoint", "info"}
ROUNDS = 60


def scalar(field, dice):
    kinds = FieldDescriptor
    if field.type == kinds.TYPE_STRING:
        return dice.choice(["x", "naïve ☃", "a'b\"c", "%_\\", "x" * 300])
    if field.type == kinds.TYPE_BYTES:
        return dice.randbytes(dice.choice([1, 7, 200]))
    if field.type == kinds.TYPE_BOOL:
        return True
    if field.type == kinds.TYPE_DOUBLE:
        return dice.choice([1.5, -0.25, 1e300, float("inf")])
    if field.type == kinds.TYPE_ENUM:
        return dice.choice([value.number for value in field.enum_type.values if value.number != 0])
    if field.type in (kinds.TYPE_UINT32, kinds.TYPE_UINT64):
        return dice.choice([1, 127, 128, 2**31])
    if field.type == kinds.TYPE_INT32:
        return dice.choice([1, -1, 2**31 - 1, -(2**31)])
    return dice.choice([1, -1, 2**63 - 1, -(2**63)])


def fill(message, dice, depth=0):
    oneofs = {}
    for field in message.DESCRIPTOR.fields:
        union = field.containing_oneof
        if union is not None and len(union.fields) > 1:
            if oneofs.setdefault(union.name, dice.choice(union.fields)) is not field:
                continue
        elif field.name not in MUST_BE_SET and dice.random() < 0.3:
            continue
        value = getattr(message, field.name)
        is_map = field.message_type is not None and field.message_type.GetOptions().map_entry
        if is_map:
            for _ in range(dice.randrange(4)):
                key = scalar(field.message_type.fields_by_name["key"], dice) + str(dice.randrange(99))
                target = field.message_type.fields_by_name["value"]
                if target.message_type is not None:
                    fill(value[key], dice, depth + 1)
                else:
                    value[key] = scalar(target, dice)
        elif field.is_repeated:
            for _ in range(dice.randrange(4)):
                if field.message_type is not None:
                    fill(value.add(), dice, depth + 1)
                else:
                    value.append(scalar(field, dice))
        elif field.message_type is not None:
            value.SetInParent()
            fill(value, dice, depth + 1)
        elif field.name == "info" and field.type == FieldDescriptor.TYPE_BYTES:
            info = proto.message("FlightInfo")()
            fill(info, dice)
            message.info = info.SerializeToString()
        else:
            setattr(message, field.name, scalar(field, dice))
    return message


def mirror(programs, lines):
    done = programs.run("fletch-flightsql-fake", "messages", stdin="\n".join(f"{name} {data.hex()}" for name, data in lines).encode())
    answers = done.stdout.decode().splitlines()
    assert len(answers) == len(lines)
    return answers


def meaning(message):
    """A message without what Fletch cannot tell apart: endpoints always have a ticket, plans are always
    there."""
    copy = type(message)()
    copy.CopyFrom(message)
    if copy.DESCRIPTOR.name == "ActionCancelQueryRequest":
        return meaning(proto.message("FlightInfo").FromString(copy.info))
    if "Substrait" in copy.DESCRIPTOR.name:
        copy.plan.SetInParent()
    endpoints = []
    if copy.DESCRIPTOR.name == "FlightInfo":
        endpoints = list(copy.endpoint)
    elif copy.DESCRIPTOR.name == "RenewFlightEndpointRequest":
        endpoints = [copy.endpoint]
    elif copy.DESCRIPTOR.name == "CancelFlightInfoRequest":
        endpoints = list(copy.info.endpoint)
    for endpoint in endpoints:
        endpoint.ticket.SetInParent()
    for info in [copy] if copy.DESCRIPTOR.name == "FlightInfo" else [copy.info] if copy.DESCRIPTOR.name == "CancelFlightInfoRequest" else []:
        if info.HasField("flight_descriptor"):
            # A descriptor is a path or a command; what stands in the other field means nothing.
            descriptor = info.flight_descriptor
            if descriptor.type != 1:
                del descriptor.path[:]
            if descriptor.type != 2:
                descriptor.cmd = b""
    return copy


@pytest.mark.parametrize("name", SQL_MESSAGES)
def test_flight_sql_messages(programs, name):
    dice = random.Random(name)
    sent = [fill(proto.message(name)(), dice) for _ in range(ROUNDS)]
    for message, answer in zip(sent, mirror(programs, [(name, proto.wrap(message)) for message in sent])):
        assert not answer.startswith("error"), (answer, message)
        assert meaning(proto.unwrap(bytes.fromhex(answer), name)) == meaning(message)


@pytest.mark.parametrize("name", FLIGHT_MESSAGES)
def test_flight_messages(programs, name):
    dice = random.Random(name)
    sent = [fill(proto.message(name)(), dice) for _ in range(ROUNDS)]
    for message, answer in zip(sent, mirror(programs, [(name, message.SerializeToString()) for message in sent])):
        assert not answer.startswith("error"), (answer, message)
        assert meaning(proto.message(name).FromString(bytes.fromhex(answer))) == meaning(message)


def test_every_message_is_there():
    assert len(SQL_MESSAGES) == 31 and len(FLIGHT_MESSAGES) == 9


def test_envelopes_are_checked(programs):
    tables = proto.wrap(proto.message("CommandGetTables")(table_types=["TABLE"]))
    bare = proto.message("CommandStatementQuery")(query="SELECT 1").SerializeToString()
    answers = mirror(programs, [
        ("CommandGetCatalogs", tables), ("CommandStatementQuery", bare), ("CommandStatementQuery", b""),
        ("CommandGetTables", tables[:-1]), ("CommandGetTables", tables + b"\x00")])
    assert all(answer.startswith("error:") for answer in answers)
    assert "CommandGetTables" in answers[0]


def camel(name):
    first, *rest = re.sub("^(FLIGHT_SQL|SQL)_", "", name).lower().split("_")
    return first + "".join(part.capitalize() for part in rest)


def test_sql_info_codes():
    """Every code of the specification, by its number and name."""
    source = (pathlib.Path(__file__).parents[2] / "Sources/FlightSQL/SqlInfo/SqlInfoKeys.swift").read_text()
    ours = {name: (int(code), swift) for swift, code, name in
            re.findall(r'static var (\w+): Self \{\s*Self\((\d+), "(\w+)"\)', source)}
    assert ours == {name: (value.number, camel(name)) for name, value in proto.enum("SqlInfo").items()}


@pytest.mark.parametrize("name, file", [
    ("XdbcDataType", "Metadata/XdbcTypeInfo.swift"), ("Searchable", "Metadata/XdbcTypeInfo.swift"),
    ("Nullable", "Metadata/XdbcTypeInfo.swift"), ("UpdateDeleteRules", "Metadata/KeyRows.swift"),
    ("SqlSupportsConvert", "SqlInfo/SqlInfoEnumerations.swift"),
    ("SqlSupportedTransaction", "SqlInfo/SqlInfoEnumerations.swift"),
    ("SqlSupportedCaseSensitivity", "SqlInfo/SqlInfoEnumerations.swift"),
    ("SqlNullOrdering", "SqlInfo/SqlInfoEnumerations.swift"),
    ("SqlOuterJoinsSupportLevel", "SqlInfo/SqlInfoEnumerations.swift"),
    ("SqlTransactionIsolationLevel", "SqlInfo/SqlInfoEnumerations.swift"),
    ("SqlSupportedSubqueries", "SqlInfo/SqlInfoEnumerations.swift"),
    ("SqlSupportedResultSetType", "SqlInfo/SqlInfoEnumerations.swift"),
])
def test_enumerations(name, file):
    """The numbers of an enumeration or a set of bits, as many as there are, by name."""
    swift = {"Nullable": "XdbcNullability", "Searchable": "XdbcSearchability", "UpdateDeleteRules": "UpdateDeleteRule",
             "SqlSupportsConvert": "Kind"}.get(name, name)
    source = (pathlib.Path(__file__).parents[2] / "Sources/FlightSQL" / file).read_text()
    body = re.search(rf"(?:enum|struct) {swift}: .*?\n( *)\}}", source, re.S).group()
    ours = {case.lower(): int(number) for case, number in re.findall(r"case (\w+) = (-?\d+)", body)}
    ours |= {case.lower(): int(bit) for case, bit in re.findall(r"let (\w+) = Self\(rawValue: 1 << (\d+)\)", body)}
    theirs = {value.replace("_", "").lower(): found.number for value, found in proto.enum(name).items()}
    assert sorted(ours.values()) == sorted(theirs.values())
    for case, number in ours.items():
        assert any(case in value and found == number for value, found in theirs.items()), (case, number)
