"""The cores that are measured, and how lists of names are read from the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

CORES = ("cortex-m0plus", "cortex-m3", "cortex-m4", "cortex-m7", "cortex-m33", "cortex-m55")


def listed(known: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """A parser of lists such as `cortex-m4,cortex-m55`, for argparse; `all` stands for every known name."""

    def read(text: str) -> tuple[str, ...]:
        if text == "all":
            return tuple(known)
        names = tuple(text.split(","))
        unknown = [name for name in names if name not in known]
        if unknown:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}, all")
        return names

    return read
