"""What the spectra of real and of whole samples have in common: frames, a window, a transform, bands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from edgeq.ir.kernel import Kernel, Param, always
from edgeq.ir.op import Arrays, Op, Shapes
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array, DType, Shape
from edgeq.ir.traits import TRAITS, Trait
from edgeq.numerics import float32, spectrum
from edgeq.numerics.float32 import F, Floats
from edgeq.ops._real import REAL


def of_site(site: Site) -> spectrum.Bands | None:
    """The bands of a site; None: it has none."""
    assert isinstance(site.op, SpectrumOp)
    return site.op.bands(site.const_or_none(2))


def lower(site: Site) -> Mapping[str, Param]:
    """Parameters of the kernels."""
    op, x, bands = site.op, site.input(0).shape, of_site(site)
    assert isinstance(op, SpectrumOp)
    half = op.length // 2
    return {
        "rows": prod(x[:-1]),
        "samples": x[-1] // op.axes,
        "axes": op.axes,
        "frames": op.frames(x[-1], site.input(1).shape[0]),
        "step": op.step,
        "window": site.input(1).shape[0],
        "half": half,
        "power": op.power,
        "bins": half + 1 if bands is None else bands.end,
        "bands": 0 if bands is None else bands.starts.size,
        "weights": weights_of(site),
        "twiddles": spectrum.stage_twiddles(half).reshape(-1) if spectrum.radices(half)[0] < half else 0,
        "joining": spectrum.joining_twiddles(half).reshape(-1),
        "starts": 0 if bands is None else bands.starts.astype(np.uint16),
        "widths": 0 if bands is None else bands.widths.astype(np.uint16),
        "band_weights": 0 if bands is None else bands.weights,
    }


def halved(window: Array) -> Floats:
    """The weights of a window / 2, which is exact: what the transform takes."""
    return window.astype(np.float32) * F(0.5)


def weights_of(site: Site) -> Floats:
    """What elements of the samples are multiplied with: where they are quantized, with their step, too."""
    q, weights = site.input(0).q, halved(site.const(1))
    return weights if q is None else weights * F(q.s)


def scratch(site: Site) -> int:
    """The values of one frame's spectrum, and the samples of a frame where those of several axes come in turn."""
    op, window = site.op, site.input(1).shape[0]
    assert isinstance(op, SpectrumOp)
    return 4 * (op.length + 2) + (window * site.input(0).itemsize if op.axes > 1 else 0)


def row(function: str, elements: frozenset[DType] = REAL, fits: Callable[[Site], bool] = always) -> Kernel:
    """A portable row of one of these operators."""
    return Kernel(
        function,
        (f"ref/{function.removeprefix('eq_').removesuffix('_ref')}.c",),
        "eq/spectrum.h",
        "eq_spectrum_params",
        lower,
        elements=elements,
        fits=fits,
        scratch=scratch,
    )


@dataclass(frozen=True)
class SpectrumOp(Op):
    """Inputs: samples (…, n); a window (w), constant; with bands their weights, one band after the other, constant.
    Output: real, of every frame of w samples the spectrum (…, frames, length / 2 + 1, 2), or magnitudes or their
    squares (…, frames, length / 2 + 1), or sums of these over bands (…, frames, bands).

    A frame is multiplied with the window and followed by zeros up to the length (edgeq.numerics.spectrum).

    Attributes:
        length: of the transform, a power of 2 from 8 to 16384.
        step: samples from one frame to the next.
        power: 0: real and imaginary parts; 1: magnitudes; 2: their squares.
        starts, widths: of each band the first bin, and how many it has; none: bins are the output.
        axes: samples are those of so many axes of a sensor in turn; of several, the output is (…, axes, frames, …).
    """

    length: int
    step: int
    power: int = 1
    starts: tuple[int, ...] = ()
    widths: tuple[int, ...] = ()
    axes: int = 1

    declines: ClassVar[frozenset[Trait]] = frozenset(TRAITS)

    def frames(self, samples: int, window: int) -> int:
        """How many there are in so many samples of all axes."""
        return 1 + (samples // self.axes - window) // self.step

    def bands(self, weights: Array | None) -> spectrum.Bands | None:
        """The bands, of their weights."""
        if weights is None:
            return None
        return spectrum.Bands(np.array(self.starts), np.array(self.widths), weights.astype(np.float32))

    def out_shapes(self, shapes: Shapes) -> tuple[Shape, ...]:
        x, window, *rest = shapes
        if x is None or window is None or not x or len(window) != 1:
            raise ValueError(f"samples (…, n) and a window (w) are needed, not {x} and {window}")
        if self.length not in spectrum.LENGTHS or not 1 <= window[0] <= self.length:
            raise ValueError(
                f"a transform of length {self.length} does not fit a window of {window[0]}; it is a power of 2 from "
                f"{spectrum.SHORTEST} to {spectrum.LONGEST}"
            )
        if self.step < 1 or self.power not in (0, 1, 2):
            raise ValueError(f"a step of {self.step} samples, or the power {self.power}, is impossible")
        if self.axes < 1 or x[-1] % self.axes or x[-1] // self.axes < window[0]:
            raise ValueError(
                f"{x[-1]} samples of {self.axes} axes are fewer than a window of {window[0]}, or no samples"
            )
        bins, own = self.length // 2 + 1, (self.axes,) if self.axes > 1 else ()
        lead = (*x[:-1], *own, self.frames(x[-1], window[0]))
        if not rest and not self.starts:
            return ((*lead, bins, *((2,) if self.power == 0 else ())),)
        ends = [start + width for start, width in zip(self.starts, self.widths, strict=False)]
        if len(self.starts) != len(self.widths) or min(*self.starts, *self.widths) < 0 or max(ends) > bins:
            raise ValueError(f"bands from {self.starts} of {self.widths} bins are not in {bins}")
        if self.power == 0 or not rest or rest[0] != (sum(self.widths),):
            raise ValueError(f"bands of {sum(self.widths)} sizes do not fit weights {rest} and the power {self.power}")
        return ((*lead, len(self.starts)),)

    def compute(self, inputs: Arrays, weights: Floats | None = None) -> Floats:
        """What it gives, of the elements of all operands; `weights` stand for half the window."""
        x, window, *rest = inputs
        assert x is not None and window is not None
        apart = x if self.axes == 1 else np.swapaxes(x.reshape(*x.shape[:-1], -1, self.axes), -1, -2)
        frames = spectrum.framed(apart, window.size, self.step).astype(np.float32)
        with np.errstate(all="ignore"):
            found = spectrum.rfft(frames * (halved(window) if weights is None else weights), self.length)
        if self.power == 0:
            return float32.number(np.stack(found, axis=-1))
        sizes, bands = spectrum.sizes(found, self.power), self.bands(rest[0] if rest else None)
        return float32.number(sizes) if bands is None else spectrum.band_sums(sizes, bands)

    def run_float(self, inputs: Arrays) -> tuple[Array, ...]:
        return (self.compute(inputs),)

    def run_float32(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return (self.compute(inputs, weights_of(site)),)

    def run_int(self, site: Site, inputs: Arrays) -> tuple[Array, ...]:
        return self.run_float32(site, inputs)
