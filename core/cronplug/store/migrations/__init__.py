"""Schema migrations, run by Alembic from inside the package.

A new one: change `store/schema.py`, add `versions/vNNNN_what.py` by hand, raise HEAD. Expand before you contract: a
node one version behind must go on working on the new tables. Batch operations work on named constraints only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0006"
"""The revision of this version's tables."""


def alembic_config() -> Config:
    """Alembic's configuration, without an ini file."""
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "cronplug.store:migrations")
    config.set_main_option("path_separator", "os")
    return config
