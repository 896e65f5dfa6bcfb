"""The instruction set of programs for this machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from edgeq.errors import UsageError, suggestion
from edgeq.isa import FEATURES, with_implied
from edgeq.target.machine import this_machine
from edgeq.target.model import Target

BASELINE = "x86-64"
"""The name that stands for no features beyond those of every 64-bit x86."""
_CPUINFO = Path("/proc/cpuinfo")
_TOLD = {
    "avx2": {"avx2"},
    "avx-vnni": {"avx2", "avx_vnni"},
    "avx512-vnni": {"avx2", "avx512f", "avx512bw", "avx512vl", "avx512_vnni"},
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


def with_isa(target: Target, name: str | None) -> Target:
    """A target for this machine with the features of an instruction set, and the compiler's flags for them.

    Args:
        target: any target.
        name: a feature of x86, or BASELINE; None takes what this machine has. Other targets keep what they have.

    Raises:
        UsageError: the name is unknown, or the target is not this machine.
    """
    if name is None:
        return _with_features(target, native_features()) if target.native else target
    if not target.native:
        raise UsageError(f"--isa is for --target host, not {target.name}", hint="leave one of them out")
    known = (BASELINE, *_TOLD)
    if name not in known:
        raise UsageError(f"unknown instruction set {name!r}", suggestion(name, known, "instruction sets"), "--isa")
    return _with_features(target, () if name == BASELINE else (name,))


def _with_features(target: Target, names: Iterable[str]) -> Target:
    isa = with_implied(names)
    added = tuple(flag for feature in FEATURES if feature in isa for flag in FEATURES[feature].flags)
    flags = {kind: (*own, *added) for kind, own in target.flags.items()}
    return replace(target, isa=target.isa | isa, flags=flags)
