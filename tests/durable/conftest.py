"""Both databases, as for the store."""

from pathlib import Path

import pytest

from tests.store.conftest import _server, new_url, server, url

__all__ = ["_server", "new_url", "server", "url"]


@pytest.fixture
def file(tmp_path: Path) -> str:
    """The URL of a store."""
    return f"sqlite:///{tmp_path}/store.db"
