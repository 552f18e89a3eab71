"""Reading the records beside a running service, as commands do: read-only, since the database has one writer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import URL, Connection, create_engine
from sqlalchemy.exc import SQLAlchemyError

from service.errors import StartError


@contextmanager
def reading(path: Path) -> Iterator[Connection]:
    """Open the database at ``path``. Raises ``StartError`` where there is none, or it cannot be read."""
    if not path.exists():
        raise StartError(f"{path}: there are no records yet")
    read_only = {"mode": "ro", "uri": "true"}
    engine = create_engine(URL.create("sqlite", database=f"file:{quote(str(path.absolute()))}", query=read_only))
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise StartError(f"{path} cannot be read; a service of this version brings it up to date when it starts") from error
    finally:
        engine.dispose()
