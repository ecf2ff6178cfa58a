"""Run by Alembic for every command; the connection, its transaction and its lock are `store.migrate`'s."""

from __future__ import annotations

from alembic import context

from cronplug.store.migrate import VERSION_TABLE
from cronplug.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,
    transaction_per_migration=False,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
