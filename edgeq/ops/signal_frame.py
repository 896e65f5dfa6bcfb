"""A part of a signal: of its last samples and of the new ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Param
from edgeq.ir.op import Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ops._overlap import NOTHING, Overlaps, of_elements
from edgeq.ops._whole import SAMPLES, WholeOp, frames, of_rank, row


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_signal_frame_ref`."""
    op, kept, x = site.op, site.input(0).shape, site.input(1).shape
    assert isinstance(op, SignalFrame)
    return {
        "rows": frames(x, 1),
        "kept": kept[-1],
        "new": x[-1],
        "first": op.first,
        "size": op.size,
        "frames": op.count,
        "step": op.step,
    }


def overlap(site: Site) -> Overlaps:
    """One element after another, each from one of the inputs."""
    op, kept, x = site.op, site.input(0).shape, site.input(1).shape
    assert isinstance(op, SignalFrame)
    rows, at = np.arange(frames(x, 1))[:, None], op.places().reshape(-1)
    of_kept = np.where(at < kept[-1], rows * kept[-1] + at, NOTHING)
    of_new = np.where(at < kept[-1], NOTHING, rows * x[-1] + at - kept[-1])
    return of_elements(site, [a.reshape(site.outputs[0].shape) for a in (of_kept, of_new)])


@dataclass(frozen=True)
class SignalFrame(WholeOp):
    """Inputs: kept samples (…, k), new ones (…, n). Output: `size` samples of those joined, from the index `first` on;
    several frames of them (…, count, size), each `step` samples after the one before.

    With the kept samples as a state it is a frame of a signal, and what is kept for the next one; a delay; a stack.
    """

    first: int
    size: int
    count: int = 1
    step: int = 0

    whole_types: ClassVar[tuple[DType, ...]] = (DType.INT16,)
    takes: ClassVar = (SAMPLES, SAMPLES)
    kernels: ClassVar = row("signal_frame", lower, {DType.INT16}, overlap)

    def places(self) -> Array:
        """Which of the joined samples the output's are (count, size)."""
        return self.first + self.step * np.arange(self.count)[:, None] + np.arange(self.size)

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        kept, x = of_rank(shapes, 0, 1, "kept samples"), of_rank(shapes, 1, 1, "a signal")
        if kept[:-1] != x[:-1]:
            raise ValueError(f"kept samples {kept} and new ones {x} have different leading dimensions")
        end = self.first + (self.count - 1) * self.step + self.size
        if min(self.first, self.step) < 0 or min(self.size, self.count) < 1 or end > kept[-1] + x[-1]:
            raise ValueError(f"{self.size} samples from {self.first} on are not in {kept[-1]} and {x[-1]} samples")
        return ((*x[:-1], *((self.count,) if self.count > 1 else ()), self.size),)

    def compute(self, inputs: list[Array]) -> tuple[Array, ...]:
        found = np.concatenate(inputs, axis=-1)[..., self.places()]
        return (found if self.count > 1 else found[..., 0, :],)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def case(name: str, kept: int, new: int, first: int, size: int, rows: tuple[int, ...] = ()) -> Sample:
            return Sample(name, cls(first, size), ((*rows, kept), (*rows, new)), elements=(DType.INT16, DType.INT16))

        return (
            case("window", 16, 32, 0, 48),
            case("kept", 5, 8, 8, 5, (1,)),
            case("both", 7, 9, 3, 8, (2, 1)),
            case("old", 9, 4, 1, 6),
            Sample("frames", cls(1, 7, 3, 4), ((2, 5), (2, 12)), elements=(DType.INT16, DType.INT16)),
        )
