"""A platform's files as they are in a build folder, for programs that tests compile without CMake."""

from __future__ import annotations

from types import SimpleNamespace

import jinja2

from edgeq.codegen.places import places_of
from edgeq.codegen.sources import TEMPLATE, platform_files
from edgeq.codegen.weights import INLINE
from edgeq.target import Target

OF_MODELS = ("main.c", "inference.c", "link.c", "frame.c", "served.c")
"""Files that need a model, or are for one."""


def platform_texts(target: Target, name: str) -> dict[str, str]:
    """Contents of a target's platform by path, templates filled in for a program of this name."""
    places = places_of(target, {})
    apart = tuple({places.stack} - {"ram"})
    programs = [
        SimpleNamespace(
            name=name,
            weights=INLINE,
            calls_cmsis_nn=False,
            places=places,
            used_regions=apart,
            constant_places=(),
            arena_places=("ram",),
        )
    ]
    texts = {}
    for path, text in platform_files(target.platform).items():
        if path.endswith(TEMPLATE):
            template = jinja2.Template(text, undefined=jinja2.StrictUndefined)
            text = template.render(target=target, programs=programs, version="test")
        texts[path.removesuffix(TEMPLATE)] = text
    return texts
