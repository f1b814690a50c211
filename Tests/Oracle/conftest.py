"""The cases of the oracle as files that pyarrow wrote."""
import pytest

from cases import case
from check import EXTENSION, write


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """written(name, form, codec): the path of a case as pyarrow writes it."""
    folder, done = tmp_path_factory.mktemp("pyarrow"), {}

    def path_of(name, form="file", codec="none"):
        path = folder / f"{name}.{codec}.{EXTENSION[form]}"
        if path not in done:
            made = case(name)
            done[path] = write(path, made.schema, made.batches, form, codec, **made.write_options)
        return path

    return path_of
