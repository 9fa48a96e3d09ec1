"""What tests of several folders share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.processes import Processes


@pytest.fixture(scope="session")
def processes() -> Iterator[Processes]:
    """Return what runs commands as processes."""
    made = Processes()
    yield made
    made.close()
