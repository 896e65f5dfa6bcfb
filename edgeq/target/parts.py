"""What a platform is composed of: one part of each folder of firmware/platform, at most."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def with_parts(platform: Sequence[str], parts: Sequence[str]) -> tuple[str, ...]:
    """A platform with further parts, each in the place of the one of the same folder if there is one."""
    replaced = {_folder(part): part for part in parts}
    kept = [replaced.pop(_folder(part), part) for part in platform]
    return (*kept, *replaced.values())


def without(platform: Sequence[str], folders: Collection[str]) -> tuple[str, ...]:
    """A platform without the parts of some folders."""
    return tuple(part for part in platform if _folder(part) not in folders)


def _folder(part: str) -> str:
    return part.split("/", 1)[0]
