"""The databases that there are: SQLite always, the others where they are installed."""

import pytest

from records.servers import mariadb, postgresql


@pytest.fixture(scope="session")
def postgresql_url():
    with postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def mariadb_url():
    with mariadb() as url:
        yield url


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.slow),
        pytest.param("mariadb", marks=pytest.mark.slow),
    ]
)
def database_url(request, tmp_path):
    """Of each database in turn; tables may be there already, with rows."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/records.db"
    return request.getfixturevalue(f"{request.param}_url")
