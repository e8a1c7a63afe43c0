"""What all tables here have in common: types of columns, how a database is opened, and what becomes
of its errors. Comparisons mind case and go by code points in each database, as Python's do.

Everything here blocks. Importing it costs 30 MB and 0.15 s, which is why only the modules with
tables do, and nobody imports those at the top (`sampan.lib.later`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

from sampan.records.errors import ArchiveFailed, RowRefused

P = ParamSpec("P")
T = TypeVar("T")


def text(length: int) -> sa.String:
    return (
        sa.String(length)
        .with_variant(
            mysql.VARCHAR(length, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb"
        )
        .with_variant(sa.String(length, collation="C"), "postgresql")
    )


LONG = sa.Text().with_variant(
    mysql.LONGTEXT(charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb"
)


def told(what: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """What a database refuses is an `ArchiveFailed`, which says what failed."""

    def decorate(method: Callable[P, T]) -> Callable[P, T]:
        @wraps(method)
        def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
            try:
                return method(*args, **kwargs)
            except sa.exc.SQLAlchemyError as error:
                said = str(getattr(error, "orig", None) or error).splitlines()[0]
                refused = isinstance(error, (sa.exc.DataError, sa.exc.IntegrityError))
                raise (RowRefused if refused else ArchiveFailed)(
                    f"{what} failed: {said}"
                ) from error

        return wrapped

    return decorate


def opened(url: str, *pragmas: str) -> sa.Engine:
    """An engine for the URL; the pragmas are for SQLite, whose readers do not wait for its writer.
    Raises ArchiveFailed when there is no driver for the URL."""
    try:
        engine = sa.create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    except ImportError as error:
        driver = f"the driver of {sa.make_url(url).drivername} is not installed"
        raise ArchiveFailed(f"{driver}: {error}") from error
    if engine.dialect.name == "sqlite":

        def set_up(connection: Any, _: Any) -> None:
            for pragma in ("journal_mode=WAL", "synchronous=NORMAL", *pragmas):
                connection.execute(f"PRAGMA {pragma}")

        sa.event.listen(engine, "connect", set_up)
    return engine
