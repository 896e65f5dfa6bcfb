"""The wheel holds all that edgeq needs: installed away from the checkout, it builds an example."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from command_line import DIGITS

CHECKOUT = DIGITS.parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, made of a copy of what it is made of."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in ("edgeq", "templates", "targets", "firmware"):
        shutil.copytree(CHECKOUT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, source)
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", folder]
    subprocess.run([sys.executable, "-m", "pip", "wheel", source, *options], check=True, capture_output=True)
    (made,) = folder.glob("edgeq-*.whl")
    return made


def test_contents(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"edgeq/__init__.py", "edgeq/data/templates/model.c.j2", "edgeq/data/targets/cpus/host.toml"} <= names
    for folder in ("templates", "targets", "firmware"):
        for path in (CHECKOUT / folder).rglob("*"):
            if path.is_file():
                assert f"edgeq/data/{path.relative_to(CHECKOUT).as_posix()}" in names
    assert {"edgeq/py.typed", "edgeq/data/LICENSE"} <= names
    assert not any("__pycache__" in name or name.startswith("tests/") for name in names)


@pytest.mark.slow
def test_builds_an_example(wheel: Path, tmp_path: Path) -> None:
    """In a folder of its own, which comes before everything else; the checkout is not on the path."""
    site = tmp_path / "site"
    install = ["--no-deps", "--no-index", "--no-compile", "--quiet", "--target", site]
    subprocess.run([sys.executable, "-m", "pip", "install", wheel, *install], check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"}

    def edgeq(*arguments: object) -> dict[str, object]:
        command = [sys.executable, "-m", "edgeq", *map(str, arguments), "--json"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
        return dict(json.loads(done.stdout))

    code = "import edgeq, edgeq.resources as r; print(edgeq.__file__, r.folder('firmware'))"
    shown = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    ).stdout
    assert shown.split() == [str(site / "edgeq" / "__init__.py"), str(site / "edgeq" / "data" / "firmware")]
    made = edgeq("build", DIGITS, "--target", "host", "--output", "out")
    assert made["name"] == "digits"
    assert (tmp_path / "out" / "LICENSE").read_bytes() == (CHECKOUT / "LICENSE").read_bytes()
    found = edgeq("verify", "out", "--data", DIGITS / "test.npz", "--samples", 50)
    assert found["mismatches"] == 0
    scripts = (site / "bin").glob("edgeq*")
    assert [s.stem for s in scripts] == ["edgeq"]
