"""What changed is told in files that the next release can join, and versions agree."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

import edgeq

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
FRAGMENTS = sorted(path for path in (ROOT / "docs" / "changes").iterdir() if path.name != "README.md")


def test_fragments() -> None:
    """Named NAME.TYPE.md, of whole sentences."""
    kinds = {kind["directory"] for kind in PROJECT["tool"]["towncrier"]["type"]}
    for path in FRAGMENTS:
        name, kind, suffix = path.name.split(".")
        assert re.fullmatch(r"[a-z0-9-]+", name) and kind in kinds and suffix == "md", path.name
        assert re.fullmatch(r"\S.*[.)]\n", path.read_text("utf-8"), re.DOTALL), path.name


def test_versions() -> None:
    newest = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)[0]
    assert edgeq.__version__ == PROJECT["project"]["version"] == newest


def test_draft_of_a_release() -> None:
    if find_spec("towncrier") is None:
        pytest.skip("optional: towncrier is not installed (pip install -e .[docs])")
    words = ("build", "--draft", "--version", "9.9", "--date", "2030-01-01", "--dir", str(ROOT))
    drafted = subprocess.run([sys.executable, "-m", "towncrier", *words], capture_output=True, text=True)
    assert drafted.returncode == 0, drafted.stderr
    told = " ".join(drafted.stdout.split())
    assert "## 9.9 (2030-01-01)" in told and all(" ".join(p.read_text("utf-8").split()) in told for p in FRAGMENTS)
