"""What the pages tell to type exists, and the site that is made of them has no broken link."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from blocks import CHECKOUT, blocks, pages
from needs import OPTIONAL

from edgeq.cli.main import COMMANDS, Commands

EVERYWHERE = {"--help", "--debug", "--quiet", "--verbose", "--version", "--install-completion"}


def typed(page: Path) -> Iterator[list[str]]:
    """Words of every call of edgeq in a page's blocks, without what a shell does with its output."""
    for block in blocks(page):
        for line in block:
            for command in re.split(r"&&|;|\|", line):
                if re.match(r"(\.venv/bin/)?edgeq\s", command.strip()):
                    yield shlex.split(command.split(" > ")[0])[1:]


def options_of(command: click.Command) -> set[str]:
    return {name for p in command.params for name in (*p.opts, *p.secondary_opts) if name.startswith("-")}


def test_commands_and_options_of_the_pages_exist() -> None:
    group = Commands(name="edgeq")
    context = click.Context(group)
    wrong, count = [], 0
    for page in pages():
        for words in typed(page):
            count += 1
            name = next((word for word in words if not word.startswith("-")), "")
            if name not in COMMANDS:
                wrong += [f"{page.name}: edgeq {' '.join(words)}"] if name and name != "COMMAND" else []
                continue
            command = group.get_command(context, name)
            known = options_of(command) | EVERYWHERE
            given = {re.split("=", word)[0] for word in words if re.match(r"--?[a-zA-Z]", word)}
            wrong += [f"{page.name}: edgeq {name} has no {option}" for option in sorted(given - known)]
    assert not wrong
    assert count > 60


@pytest.mark.slow
def test_the_site(tmp_path: Path) -> None:
    """Warnings are errors: a link to nowhere, a page that no menu has."""
    if find_spec("material") is None:
        pytest.skip(f"{OPTIONAL}mkdocs-material is not installed (pip install edgeq[docs])")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    home = (tmp_path / "site" / "index.html").read_text("utf-8")
    assert "docs/how-to.html" in home
    assert not re.search(r'(?:src|href)="https?://[^"]*\.(?:js|css|woff2?)"', home), "it has to work offline"
