"""The catalogue with a record in every state and somebody in every role: made once, and copied by whoever asks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service.matrix.catalogue import Filled, Told, copied, filled


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    """The catalogue as it was made, which nobody opens any more."""
    with filled(tmp_path_factory.mktemp("matrix") / "data") as made:
        yield made


@pytest.fixture(scope="module")
def told(matrix: Filled, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """A catalogue like it, of a module's own."""
    with copied(matrix, tmp_path_factory.mktemp("copied") / "data") as made:
        yield made
