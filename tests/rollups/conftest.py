"""The store's fixtures: the roll-ups are tested on both databases too."""

from __future__ import annotations

from tests.store.conftest import make as make
from tests.store.conftest import store as store
