"""Empty databases of pipelines."""

import pytest
import sqlalchemy as sa

from sampan.records.pipelines.rows import Rows
from sampan.records.pipelines.tables import META


@pytest.fixture
def rows(database_url):
    engine = sa.create_engine(database_url)
    META.drop_all(engine)
    engine.dispose()
    found = Rows(database_url)
    yield found
    found.close()
