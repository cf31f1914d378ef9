"""Runs the steps on the connection that `store.migrate` holds; alembic looks for this file by its name."""

from __future__ import annotations

from alembic import context

from catalog.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # The caller's transaction holds all steps: on both databases a migration happens wholly or not at all.
    transaction_per_migration=False,
    render_as_batch=True,
)
context.run_migrations()
