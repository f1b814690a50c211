"""TPC-H's tables as Feather files, made by tpchgen-cli, and its queries: what the test and `scripts/bench tpch` share."""

import pathlib
import subprocess
import sys

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

TABLES = ["region", "nation", "supplier", "customer", "part", "partsupp", "orders", "lineitem"]
QUERIES = pathlib.Path(__file__).resolve().parents[2] / "sql" / "tpch"


def queries():
    """The text of each query by its name, `q01` to `q22`."""
    return {path.stem: path.read_text().strip().rstrip(";") for path in sorted(QUERIES.glob("q*.sql"))}


def plain(schema):
    """tpchgen's schema with text as `utf8`, which is what most files have, rather than views."""
    return pa.schema([pa.field(field.name, pa.string() if pa.types.is_string_view(field.type) else field.type, field.nullable) for field in schema])


def generate(folder, scale):
    """Makes TABLE.feather of every table in `folder`, uncompressed so that they are mapped, and gives their paths."""
    folder = pathlib.Path(folder)
    program = pathlib.Path(sys.executable).with_name("tpchgen-cli")
    paths = {table: folder / f"{table}.feather" for table in TABLES}
    if all(path.exists() for path in paths.values()):
        return paths
    parts = folder / "parquet"
    subprocess.run([program, "parquet", "-s", str(scale), "-o", parts, "-q"], check=True)
    for table, path in paths.items():
        source = pyarrow.parquet.ParquetFile(parts / f"{table}.parquet")
        schema = plain(source.schema_arrow)
        unfinished = path.with_suffix(".part")
        with pa.OSFile(str(unfinished), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
            for batch in source.iter_batches(1 << 16):
                writer.write_table(pa.Table.from_batches([batch]).cast(schema), 1 << 16)
        unfinished.rename(path)
        (parts / f"{table}.parquet").unlink()
    return paths
