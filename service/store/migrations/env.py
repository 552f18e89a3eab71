"""Alembic's entry: runs the migrations on the connection that the service hands over, in its transaction: all of them or none."""

from __future__ import annotations

from alembic import context

from service.store.tables import metadata

connection = context.config.attributes["connection"]
connection.exec_driver_sql("BEGIN")  # the driver itself begins none before a statement that changes the schema
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
