"""Where edgeq's data folders are: beside the package in a checkout, inside it in an installed wheel."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import jinja2

_PACKAGE = Path(__file__).resolve().parent


def license_text() -> str:
    """edgeq's licence, under which generated code and kernels are."""
    for candidate in (_PACKAGE / "data" / "LICENSE", _PACKAGE.parent / "LICENSE"):
        if candidate.is_file():
            return candidate.read_text("utf-8")
    raise FileNotFoundError("edgeq's installation lacks its licence")


def folder(name: str) -> Path:
    """The data folder `name` ("templates", "targets" or "firmware").

    Raises:
        FileNotFoundError: the installation lacks it.
    """
    for candidate in (_PACKAGE / "data" / name, _PACKAGE.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"edgeq's installation lacks its folder {name!r}")


@cache
def templates(place: str = "") -> jinja2.Environment:
    """The templates in a folder below `templates`: all that they name has to be there. Filters are the caller's."""
    import jinja2  # here, as most commands need none

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder("templates") / place),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
