"""Operations are tested on the engine's world: a real store, a clock that tests set, steps.

On SQLite, since the store and the engine are tested on both; a module with statements of its own asks for both.
"""

from __future__ import annotations

import pytest

from tests.engine.conftest import make_world, store, world

__all__ = ["make_world", "store", "world"]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The URL of a SQLite file with empty tables."""
    return sqlite_url
