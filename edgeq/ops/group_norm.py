"""Group normalization."""

from __future__ import annotations

from dataclasses import dataclass, replace

from edgeq.ir.op import Sample
from edgeq.ops._int16 import as_int16
from edgeq.ops._normalize_channels import NormalizeChannels
from edgeq.ops._real import REALS


@dataclass(frozen=True)
class GroupNorm(NormalizeChannels):
    """(x − mean) / √(variance + epsilon) over all pixels and the channels of a group, times a scale, plus a bias.

    Wu, He: "Group Normalization", 2018.

    Attributes:
        groups: of neighbouring channels, all of one size.
    """

    groups: int = 1

    def groups_of(self, channels: int) -> int:
        return self.groups

    @classmethod
    def samples(cls) -> tuple[Sample, ...]:
        def sample(name: str, groups: int, shape: tuple[int, ...], count: int = 2) -> Sample:
            channels = ((shape[-1],),) * count
            return Sample(name, cls(1e-5, groups=groups), (shape, *channels), const=tuple(range(1, count + 1)))

        return (
            sample("two", 2, (1, 5, 7, 8)),
            as_int16(sample("two", 2, (1, 3, 3, 8))),
            sample("three", 3, (2, 4, 3, 15)),
            sample("all", 1, (2, 3, 5, 6)),
            sample("no_bias", 4, (1, 3, 3, 4), 1),
            sample("plain", 2, (1, 4, 4, 6), 0),
            sample("signal", 2, (2, 11, 10)),
            sample("vector", 3, (3, 12)),
            replace(sample("real", 3, (2, 4, 3, 15)), elements=REALS),
        )
