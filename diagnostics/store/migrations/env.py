"""What Alembic runs to migrate over the connection, and in the transaction, that schema.py gives it."""

from alembic import context

from diagnostics.store.schema import VERSION_TABLE
from diagnostics.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
)
with context.begin_transaction():
    context.run_migrations()
