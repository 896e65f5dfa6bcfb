"""Rows of an image that kernels copy together with the padding around them."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.ir.site import Site
from edgeq.ops._window import Pair

NEAR = 1 << 15
"""Bytes of rows that are copied at once, if there is more than one row of outputs in them: they stay in a cache."""
SLACK = 16
"""Bytes after them that are read or written, and not used."""


@dataclass(frozen=True)
class Band:
    """What is copied for some rows of the output.

    Attributes:
        row_bytes: of a row of the input with its padding, as far as windows reach.
        rows: of the output.
        in_rows: of the input.
    """

    row_bytes: int
    rows: int
    in_rows: int

    @property
    def nbytes(self) -> int:
        """Scratch bytes of the copy."""
        return self.row_bytes * self.in_rows + SLACK


def band_of(site: Site, kernel: Pair, stride: Pair, dilation: Pair) -> Band:
    """As many rows of the site's output as NEAR allows, at least one."""
    _, height, width, _ = site.outputs[0].shape
    return band_for((height, width), site.input(0).shape[3], kernel, stride, dilation)


def band_for(out: Pair, channels: int, kernel: Pair, stride: Pair, dilation: Pair) -> Band:
    """The same of an output of so many rows and columns, and of so many channels of the input."""
    reach = tuple((kernel[i] - 1) * dilation[i] + 1 for i in range(2))
    row_bytes = ((out[1] - 1) * stride[1] + reach[1]) * channels
    more = (NEAR // row_bytes - reach[0]) // stride[0]
    rows = min(out[0], 1 + max(0, more))
    return Band(row_bytes, rows, (rows - 1) * stride[0] + reach[0])
