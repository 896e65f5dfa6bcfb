"""Instance normalization."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from edgeq.ir.op import Sample
from edgeq.ir.site import Site
from edgeq.ir.traits import Tie, Trait
from edgeq.ops._int16 import as_int16
from edgeq.ops._normalize_channels import NormalizeChannels
from edgeq.ops._real import REALS


@dataclass(frozen=True)
class InstanceNorm(NormalizeChannels):
    """(x − mean) / √(variance + epsilon) over all pixels, each channel by itself, times a scale, plus a bias.

    Ulyanov, Vedaldi, Lempitsky: "Instance Normalization", 2016.
    """

    declines: ClassVar[frozenset[Trait]] = NormalizeChannels.declines - {"tied_channels"}

    def groups_of(self, channels: int) -> int:
        return channels

    def tied_channels(self, site: Site) -> tuple[Tie, ...] | None:
        return (Tie.shifted(0, 0, site.outputs[0].shape[-1]),)

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        relu = (0.0, float("inf"))
        return (
            Sample("image", cls(1e-5), ((1, 5, 7, 6), (6,), (6,)), const=(1, 2)),
            Sample("batch", cls(1e-3), ((2, 4, 3, 5), (5,), (5,)), const=(1, 2)),
            Sample("plain", cls(1e-5), ((1, 6, 6, 3),)),
            as_int16(Sample("image", cls(1e-5), ((1, 5, 3, 6), (6,), (6,)), const=(1, 2))),
            Sample("signal", cls(1e-5, relu), ((2, 13, 4), (4,), (4,)), const=(1, 2)),
            Sample("real", cls(1e-5, relu), ((2, 13, 4), (4,), (4,)), const=(1, 2), elements=REALS),
            Sample("one_channel", cls(1e-5), ((3, 4, 4, 1), (1,), (1,)), const=(1, 2)),
        )
