"""Builds that several tests look at."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from command_line import DIGITS, succeeds


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """examples/digits, built for the host."""
    folder = tmp_path_factory.mktemp("digits") / "out"
    succeeds("build", DIGITS, "--target", "host", "--output", folder)
    return folder


@pytest.fixture
def copy(digits: Path, tmp_path: Path) -> Path:
    """The same, to be changed."""
    return Path(shutil.copytree(digits, tmp_path / "out"))
