"""Sums of energies over bands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Param
from edgeq.ir.op import Sample, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.numerics.mel import bands
from edgeq.numerics.signal import filter_bank
from edgeq.ops._overlap import NOTHING, Overlaps, of_first_input
from edgeq.ops._whole import WORDS, WholeOp, frames, of_rank, row


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of `eq_filter_bank_ref`."""
    op, x = site.op, site.input(0).shape
    assert isinstance(op, FilterBank)
    return {
        "rows": frames(x, 1),
        "bins": x[-1],
        "bands": len(op.widths) - 1,
        "starts": np.array(op.starts, np.int16),
        "firsts": np.array(op.firsts, np.int16),
        "widths": np.array(op.widths, np.int16),
        "weights": np.array(op.weights, np.uint16),
        "unweights": np.array(op.unweights, np.uint16),
    }


def overlap(site: Site) -> Overlaps:
    """Band after band, each after its bins; what is below the first band is not written."""
    op, x = site.op, site.input(0).shape
    assert isinstance(op, FilterBank)
    rows, band = np.arange(frames(x, 1), dtype=np.int64)[:, None], np.arange(len(op.widths))
    written = 2 * (rows * (len(op.widths) - 1) + np.maximum(band - 1, 0))
    read = np.where(np.array(op.widths) > 0, rows * x[-1] + np.array(op.starts), NOTHING)
    return of_first_input(site, (written, read))


@dataclass(frozen=True)
class FilterBank(WholeOp):
    """Input: energies (…, bins), uint32. Output: sums over bands (…, bands, 2), the words of uint64, the lower first.

    A bin between the centres of two bands adds its energy to the one below, multiplied with an unweight, and to the
    one above, multiplied with a weight.

    Attributes:
        starts, firsts, widths: of each band, and of what lies below the first one before it, the first bin, the index
            of its first weight, and how many bins it has.
        weights, unweights: not negative.
    """

    starts: tuple[int, ...]
    firsts: tuple[int, ...]
    widths: tuple[int, ...]
    weights: tuple[int, ...]
    unweights: tuple[int, ...]

    takes: ClassVar = (WORDS,)
    kernels: ClassVar = row("filter_bank", lower, {DType.INT32}, overlap)

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x = of_rank(shapes, 0, 1, "a spectrum")
        counts = {len(self.starts), len(self.firsts), len(self.widths)}
        if len(counts) != 1 or len(self.widths) < 2 or len(self.weights) != len(self.unweights):
            raise ValueError("the tables of a filter bank have different lengths")
        if min((*self.starts, *self.firsts, *self.widths, *self.weights, *self.unweights)) < 0:
            raise ValueError("the tables of a filter bank have numbers below 0")
        ends = max(s + w for s, w in zip(self.starts, self.widths, strict=True))
        used = max(f + w for f, w in zip(self.firsts, self.widths, strict=True))
        if ends > x[-1] or used > len(self.weights):
            raise ValueError(f"bands need {ends} bins and {used} weights, not {x[-1]} and {len(self.weights)}")
        return ((*x[:-1], len(self.widths) - 1, 2),)

    def compute(self, inputs: list[Array]) -> tuple[Array, ...]:
        weights, unweights = (np.array(w, np.int16) for w in (self.weights, self.unweights))
        return (filter_bank(inputs[0], weights, unweights, self.starts, self.firsts, self.widths),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        types = (DType.INT32, DType.INT32)
        mel = bands(10, 125.0, 3500.0, 8000, 65)
        weights, unweights = (tuple(w.tolist()) for w in (mel.weights, mel.unweights))
        return (
            Sample("mel", cls(mel.starts, mel.firsts, mel.widths, weights, unweights), ((65,),), elements=types),
            Sample(
                "frames",
                cls((0, 1, 0), (0, 2, 0), (2, 0, 4), (1, 2, 3, 4), (4, 3, 2, 32767)),
                ((2, 4),),
                elements=types,
            ),
        )
