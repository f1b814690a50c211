"""What all tests of real clients share."""
import pytest

from servers import Certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))
