"""The committed figures: reading, writing, and what has become worse."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.measure import Figures, Measured

FILE = Path(__file__).resolve().with_name("cortex_m.json")
TOLERANCE = 0.02
COMPARED = ("instructions", "flash", "arena", "stack")
"""Figures that may not become worse; less is better in all of them. Kernels are a part of flash."""


@dataclass(frozen=True)
class Committed:
    """What the file holds.

    Attributes:
        toolchain: compiler of all figures, such as "arm-none-eabi-gcc 12.2"; empty where there is none yet.
        models: digest of each model's file, so that only figures of the same model are compared.
        figures: by model, core and optimize setting.
    """

    toolchain: str = ""
    models: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[tuple[str, str, str], Figures] = field(default_factory=dict)


@dataclass(frozen=True)
class Change:
    """A figure that is more than the tolerance away from the committed one."""

    what: str
    figure: str
    committed: int
    now: int

    @property
    def worse(self) -> bool:
        """Whether it has become worse, not better."""
        return self.now > self.committed

    def __str__(self) -> str:
        change = f" ({100 * (self.now / self.committed - 1):+.1f} %)" if self.committed else ""
        return f"{self.what}: {self.figure} {self.committed:,} → {self.now:,}{change}"


def compiler(version: str) -> str:
    """Name and version of a compiler, without patch level and packaging.

    `arm-none-eabi-gcc (15:12.2.rel1-1) 12.2.1 20221205` is "arm-none-eabi-gcc 12.2".
    """
    words = re.sub(r"\(.*?\)", "", version).split()
    numbers = [match[0] for word in words[1:] if (match := re.match(r"\d+\.\d+", word))]
    return " ".join([*words[:1], *numbers[:1]])


def digest(model: Path) -> str:
    """The digest of a model's file."""
    return hashlib.sha256(model.read_bytes()).hexdigest()[:16]


def compare(old: Committed, new: Iterable[Measured], models: Mapping[str, str]) -> list[Change]:
    """The compared figures that are more than the tolerance better or worse.

    Args:
        old: what was committed.
        new: what was measured; figures without a committed one, or of another file by the same name, are left out.
        models: digest of each model that was measured.
    """
    changes = []
    for measured in new:
        before = old.figures.get((measured.model, measured.core, measured.goal), {})
        if old.models.get(measured.model) != models[measured.model]:
            continue
        for name in COMPARED:
            if name in before and abs(measured.figures[name] - before[name]) > TOLERANCE * before[name]:
                what = f"{measured.model} on {measured.core}, {measured.goal}"
                changes.append(Change(what, name, before[name], measured.figures[name]))
    return changes


def warnings(old: Committed, models: Mapping[str, str], toolchain: str) -> list[str]:
    """What makes figures incomparable: another compiler (then none counts as worse), another file of the same name."""
    texts = []
    if old.toolchain and old.toolchain != toolchain:
        texts.append(f"the committed figures are those of {old.toolchain}, these of {toolchain}")
    for name, current in models.items():
        if old.models.get(name, current) != current:
            texts.append(f"the committed figures of {name} are those of another file")
    return texts


def updated(old: Committed, new: Iterable[Measured], models: Mapping[str, str], toolchain: str) -> Committed:
    """`old` with the new figures; it forgets those of another compiler, and of another file of the same name."""
    if old.toolchain != toolchain:
        old = Committed()
    after = {**old.models, **models}
    kept = {key: figures for key, figures in old.figures.items() if old.models[key[0]] == after[key[0]]}
    return Committed(toolchain, after, kept | {(m.model, m.core, m.goal): m.figures for m in new})


def read(path: Path) -> Committed:
    """The file's figures; none where there is no file."""
    if not path.is_file():
        return Committed()
    data = json.loads(path.read_text("utf-8"))
    figures = {
        (model, core, goal): row
        for model, cores in data["figures"].items()
        for core, goals in cores.items()
        for goal, row in goals.items()
    }
    return Committed(data["toolchain"], data["models"], figures)


def write(committed: Committed, path: Path) -> None:
    """Write the file: sorted, one line per model, core and setting."""
    path.write_text(dumps(committed), "utf-8")


def dumps(committed: Committed) -> str:
    """The file's text."""
    tree: dict[str, dict[str, dict[str, Any]]] = {}
    for (model, core, goal), figures in sorted(committed.figures.items()):
        tree.setdefault(model, {}).setdefault(core, {})[goal] = figures
    data = {"toolchain": committed.toolchain, "models": dict(sorted(committed.models.items())), "figures": tree}
    text = json.dumps(data, indent=2)
    # The figures of one program on one line: a diff then shows programs.
    return re.sub(r"\{\s+(\"instructions\"[^}]*?)\s+\}", lambda m: f"{{ {' '.join(m[1].split())} }}", text) + "\n"
