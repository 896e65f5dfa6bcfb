"""What the site is made of: every Markdown file of the repository, and the files that these refer to."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("docs", "firmware", "benchmarks", "examples")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
CHANGES = "docs/changes"
DECISIONS = "docs/adr"
EXAMPLES = "examples"


def pages() -> list[str]:
    """Markdown files, as paths from the root; of the changes to come only what says how they are told."""
    found = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md")]
    names = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *found))
    return [name for name in names if not name.startswith(CHANGES) or name.endswith("README.md")]


def referred(page: str) -> set[str]:
    """Files of the repository, other than pages, that a page links to."""
    folder = PurePosixPath(page).parent
    targets = {normpath(str(folder / link)) for link in LINK.findall((ROOT / page).read_text("utf-8"))}
    return {target for target in targets if not target.endswith(".md") and (ROOT / target).is_file()}


def on_config(config: Any) -> Any:
    """Examples and decisions are listed by their files: a new one is in the site as soon as it is written."""
    decisions = [page for page in pages() if page.startswith(DECISIONS)]
    config.nav = [
        *config.nav,
        {"Examples": [page for page in pages() if page.startswith(EXAMPLES)]},
        {"Decisions": sorted(decisions, key=lambda page: (not page.endswith("README.md"), page))},
    ]
    return config


def on_files(files: Files, config: Any) -> Files:
    """Pages and what they refer to lie where they lie in the repository, so that links between them hold."""
    theme = [file for file in files if not file.src_uri.endswith(".md") and file.src_uri != "pages.py"]
    names = pages()
    others = set().union(*(referred(page) for page in names))
    made = [File.generated(config, name, abs_src_path=str(ROOT / name)) for name in (*names, *sorted(others))]
    return Files([*theme, *made])


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Links to folders lead to what they hold, and those to files that are no pages open them as text."""
    folder = PurePosixPath(page.file.src_uri).parent

    def led(match: re.Match[str]) -> str:
        target = normpath(str(folder / match.group(1)))
        if (ROOT / target).is_dir():
            index = f"{target}/README.md"
            return (
                match.group(0).replace(match.group(1), f"{match.group(1).rstrip('/')}/README.md")
                if index in files.src_uris
                else "]"
            )
        return match.group(0)

    return LINK.sub(led, markdown)
