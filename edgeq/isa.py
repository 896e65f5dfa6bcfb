"""The vocabulary of instruction sets: the features that kernels ask for and targets have.

A feature that another one builds on is implied: a target's file names the last of them, and a kernel that asks for an
earlier one runs there as well. A new instruction set is a line of `FEATURES`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edgeq.errors import UsageError, suggestion


@dataclass(frozen=True)
class Feature:
    """What a processor can have.

    Attributes:
        description: one line.
        implies: the features that every processor with this one has, too; theirs follow.
        flags: how gcc and clang are told that the processor has it, where its CPU's own flags do not say so.
        macro: what compilers define, as other than 0, when they compile for a processor that has it; "" where no code
            relies on that.
        loadable: whether a library can find out, when it is loaded, that the processor has it (`eq/processor.h`).
        zig: `flags` for the compiler zig, where they differ.
    """

    description: str
    implies: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    macro: str = ""
    loadable: bool = False
    zig: tuple[str, ...] = ()


FEATURES: Mapping[str, Feature] = {
    "thumb": Feature("Arm: 16-bit Thumb instructions, those of Armv6-M", macro="__thumb__"),
    "thumb2": Feature("Arm: 32-bit Thumb instructions, Armv7-M and Armv8-M Mainline", ("thumb",), macro="__thumb2__"),
    "simd32": Feature(
        "Arm: pairs of halves in one register, such as SMLAD and SXTB16: Armv6, DSP extension",
        macro="__ARM_FEATURE_SIMD32",
    ),
    "dsp": Feature("Arm: DSP extension of Cortex-M", ("thumb2", "simd32"), macro="__ARM_FEATURE_DSP"),
    "fpu": Feature("Arm: floating-point unit"),
    "v8m": Feature("Arm: Armv8-M", ("thumb",)),
    "lob": Feature("Arm: low-overhead branches of Armv8.1-M", ("thumb2", "v8m")),
    "mve": Feature("Arm: M-profile vector extension (Helium)", ("dsp", "lob"), macro="__ARM_FEATURE_MVE"),
    "neon": Feature("Arm: vectors of 128 bits (Neon, Advanced SIMD)", macro="__ARM_NEON", loadable=True),
    "dotprod": Feature(
        "Arm: products of four bytes, SDOT",
        ("neon",),
        ("-march=armv8.2-a+dotprod",),
        macro="__ARM_FEATURE_DOTPROD",
        loadable=True,
        zig=("-mcpu=generic+v8_2a+dotprod",),
    ),
    "avx2": Feature("x86: vectors of 256 bits (AVX2, FMA)", flags=("-mavx2", "-mfma"), loadable=True),
    "avx-vnni": Feature(
        "x86: products of four bytes, in vectors of 256 bits", ("avx2",), ("-mavxvnni",), loadable=True
    ),
    "avx512-vnni": Feature(
        "x86: products of four bytes, in vectors of 512 bits",
        ("avx2",),
        ("-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512vnni"),
        loadable=True,
    ),
}


def with_implied(names: Iterable[str], where: str = "") -> frozenset[str]:
    """Features, and all that they imply.

    Args:
        names: features.
        where: the file that names them.

    Raises:
        UsageError: a name is not in the vocabulary.
    """
    closed: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in FEATURES:
            raise UsageError(f"isa: unknown feature {name!r}", suggestion(name, FEATURES, "features"), where)
        if name not in closed:
            closed.add(name)
            waiting += FEATURES[name].implies
    return frozenset(closed)


def flags_of(features: Iterable[str], zig: bool = False) -> tuple[str, ...]:
    """The compiler's flags for features, in the order of `FEATURES`."""
    wanted = set(features)
    return tuple(
        flag
        for name, feature in FEATURES.items()
        if name in wanted
        for flag in (feature.zig if zig and feature.zig else feature.flags)
    )
