"""Fixtures of the whole suite."""

from __future__ import annotations

from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


def _beside_checkout(name: str) -> Path:
    found = CHECKOUT.parent / "shared" / name
    if not found.is_dir():
        pytest.skip(f"the benchmark {name} are not beside this checkout (../shared/{name})")
    return found


@pytest.fixture(scope="session")
def shared_models() -> Path:
    """The folder of the benchmark's models; the test is skipped where it is absent."""
    return _beside_checkout("models")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of the benchmark's data; the test is skipped where it is absent."""
    return _beside_checkout("data")
