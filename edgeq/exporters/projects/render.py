"""Templates of projects, below templates/projects."""

from __future__ import annotations

import json
import pprint
from typing import Any

from edgeq.errors import InternalError
from edgeq.exporters.projects.content import Content
from edgeq.resources import templates

LICENSE_ID = "Apache-2.0"
VERSION = "1.0.0"
"""Of every project: what tells builds apart is the identity."""


def fill(template: str, content: Content, **more: Any) -> str:
    """A template, filled with a project's content.

    Args:
        template: its path below templates/projects.
        content: the project's content, `c` in the template.
        more: further variables.
    """
    import jinja2  # here, as kinds of projects are known before any work

    environment = templates("projects")
    environment.filters |= {
        "shape": lambda shape: "×".join(map(str, shape)) or "scalar",
        "python": lambda value: pprint.pformat(value, width=110, sort_dicts=False),
        "json": lambda value: json.dumps(value, ensure_ascii=False),
        "comment": lambda text: "".join(c if c.isprintable() else "?" for c in text).replace("*/", "* /"),
    }
    try:
        return environment.get_template(template).render(c=content, license_id=LICENSE_ID, release=VERSION, **more)
    except jinja2.TemplateError as error:
        raise InternalError(f"template {template}: {error}") from error


def sources(content: Content, *folders: str) -> dict[str, str]:
    """The C files of these folders of a build folder."""
    return {path: text for path, text in content.files.items() if path.split("/", 1)[0] in folders}


def kernels_and_models(content: Content) -> list[str]:
    """Paths of all C files that are to be compiled."""
    unit = content.files["CMakeLists.txt"]
    return sorted(p for p in sources(content, "src", "kernels") if p.endswith((".c", ".S")) and _listed(unit, p))


def _listed(cmake: str, path: str) -> bool:
    """Whether a source is compiled; kernels that layers have copies of are included by these."""
    return path.startswith("src/") or f" {path}" in cmake
