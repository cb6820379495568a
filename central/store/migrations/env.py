"""What Alembic runs: migrate on the connection the books opened; there is no other way in."""

from __future__ import annotations

from alembic import context

from central.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
)
context.run_migrations()
