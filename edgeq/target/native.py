"""The instruction set of programs for this machine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from edgeq.errors import UsageError, suggestion
from edgeq.isa import FEATURES, flags_of, with_implied
from edgeq.target.machine import this_machine
from edgeq.target.model import Target

BASELINE = "x86-64"
"""The name that stands for no features beyond those of every 64-bit x86."""
_CPUINFO = Path("/proc/cpuinfo")
_TOLD = {
    "avx2": {"avx2", "fma"},
    "avx-vnni": {"avx2", "fma", "avx_vnni"},
    "avx512-vnni": {"avx2", "fma", "avx512f", "avx512bw", "avx512vl", "avx512_vnni"},
}
"""By feature: what Linux says of processors that have it."""


def native_features() -> frozenset[str]:
    """The features that this machine has, of those of x86; none where the system does not tell."""
    try:
        lines = _CPUINFO.read_text("utf-8", "replace").splitlines() if this_machine() == "x86_64" else []
    except OSError:
        lines = []
    told = next((set(line.split(":", 1)[1].split()) for line in lines if line.startswith("flags")), set[str]())
    return frozenset(feature for feature, needed in _TOLD.items() if needed <= told)


def native_is_unknown() -> bool:
    """Whether this machine is an x86, and the system does not tell what its processor has."""
    return this_machine() == "x86_64" and not _CPUINFO.exists()


def with_isa(target: Target, name: str | None) -> Target:
    """A target for this machine with the features of an instruction set, and the compiler's flags for them.

    Args:
        target: any target.
        name: a feature of x86, or BASELINE; or several, with commas: the target then has what they have in common, but
            no flags for it, since programs choose when they are loaded. None takes what this machine has. Other targets
            keep what they have.

    Raises:
        UsageError: a name is unknown, or not one of the target's.
    """
    if name is None:
        return _with_features(target, native_features()) if target.native else target
    sets = [_features(target, part.strip()) for part in name.split(",")]
    if len(sets) > 1:
        return replace(target, isa=target.isa | frozenset.intersection(*sets))
    return _with_features(target, sets[0] - target.isa)


def isa_names(name: str | None) -> tuple[str, ...]:
    """The instruction sets between which a program chooses when it is loaded, the fastest last; empty if it does not.

    Raises:
        UsageError: one is there twice.
    """
    names = [part.strip() for part in (name or "").split(",")]
    twice = next((n for n in names if names.count(n) > 1), None)
    if twice is not None:
        raise UsageError(f"the instruction set {twice!r} is there twice", hint="leave one of them out", where="--isa")
    order = (BASELINE, *FEATURES)
    return tuple(sorted(names, key=lambda n: order.index(n) if n in order else 0)) if len(names) > 1 else ()


def isa_variants(target: Target, names: Sequence[str]) -> tuple[frozenset[str], ...]:
    """The features that a target's processors have with each of these instruction sets."""
    return tuple(target.isa | _features(target, name) for name in names)


def _features(target: Target, name: str) -> frozenset[str]:
    """The features of a processor with an instruction set.

    Raises:
        UsageError: it is unknown, or not one of the target's.
    """
    known: tuple[str, ...] = (BASELINE, *_TOLD)
    if not target.native:
        if "neon" not in target.isa or target.cpu != "generic":
            raise UsageError(
                f"--isa is for --target host and linux-aarch64, not {target.name}", hint="leave one of them out"
            )
        known = ("neon", "dotprod")
    if name not in known:
        raise UsageError(f"unknown instruction set {name!r}", suggestion(name, known, "instruction sets"), "--isa")
    return with_implied(() if name == BASELINE else (name,))


def _with_features(target: Target, names: Iterable[str]) -> Target:
    isa = with_implied(names)
    flags = {kind: (*own, *flags_of(isa, kind == "zig")) for kind, own in target.flags.items()}
    return replace(target, isa=target.isa | isa, flags=flags)
