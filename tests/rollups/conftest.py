"""The store's fixtures: the roll-ups are tested on both databases too."""

from __future__ import annotations

from tests.store.conftest import database_url as database_url
from tests.store.conftest import emptied_postgres_url as emptied_postgres_url
from tests.store.conftest import make as make
from tests.store.conftest import migrated_postgres as migrated_postgres
from tests.store.conftest import migrated_sqlite as migrated_sqlite
from tests.store.conftest import sqlite_url as sqlite_url
from tests.store.conftest import store as store
