"""What tests of monitoring share: a clean sample table also after tests that commit."""

from collections.abc import Iterator

import pytest
from django.db import connection


@pytest.fixture
def clean_samples(transactional_db: None) -> Iterator[None]:
    """Empty the sample table, which Django's flush does not know."""
    yield
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE monitoring_sample")
