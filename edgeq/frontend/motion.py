"""Statistics and spectra of an inertial sensor, or of any other with a few axes, in float32.

Each operation rounds to float32 by itself, in an order that is the same on every processor (edgeq.numerics.moments,
edgeq.numerics.spectrum).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from math import isfinite, log
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from edgeq.errors import UsageError
from edgeq.frontend.sound import KIND, WHERE, check_size, int16, number, refuse, samples_in, whole
from edgeq.numerics.modes import Shape
from edgeq.options import Document, Option, read_table
from edgeq.options.kind import NAMES, TEXT, choice

if TYPE_CHECKING:  # a table is read without them
    import numpy as np
    import numpy.typing as npt

USUAL = ("mean", "minimum", "maximum", "rms", "deviation", "skewness", "kurtosis")
LOG10 = 1.0 / log(10.0)


@dataclass(frozen=True)
class MotionFrontend:
    """Features of a window of samples of several axes: of each axis statistics, then logarithms of its spectrum.

    Raises:
        UsageError: a number is impossible.
    """

    kind: Annotated[Literal["motion"], KIND] = "motion"
    axes: Annotated[int, whole("Axes of the sensor, whose samples come in turn")] = 3
    sample_rate: Annotated[float, number("Samples of each axis per second")] = 62.5
    window_ms: Annotated[float, number("Length of a window, in milliseconds")] = 2000.0
    stride_ms: Annotated[float, number("From one window to the next: what a step of the program takes")] = 80.0
    sample_scale: Annotated[float, number("What a sample of 1 stands for, such as 1/16384 of g")] = 1.0
    statistics: Annotated[
        tuple[str, ...],
        Option("Of each axis: some of mean, minimum, maximum, rms, deviation, skewness and kurtosis", NAMES),
    ] = USUAL
    fft_length: Annotated[
        int,
        Option(
            "Length of Fourier transforms, a power of 2, each of which begins half a length after the one before",
            whole("").kind,
            default="no spectrum",
        ),
    ] = 0
    window: Annotated[Shape, Option("Weights of the samples of a transform", choice(get_args(Shape), metavar="W"))] = (
        "none"
    )
    log_offset: Annotated[float, number("Added to energies before their logarithm")] = 1e-10
    name: Annotated[str | None, Option("The model's input that takes features", TEXT, default="its only one")] = None

    def __post_init__(self) -> None:
        reals = [getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), float)]
        length = self.fft_length
        check_size(self.sample_rate, self.window_ms, self.stride_ms, self.axes)
        mistakes = {
            "a number is not finite": not all(map(isfinite, reals)),
            "axes, sample_rate, window_ms, stride_ms, sample_scale and log_offset are greater than 0, and fft_length "
            "is not below 0": min(self.axes, *reals, 1.0 + min(length, 0)) <= 0,
            f"windows of {self.samples} samples every {self.stride} samples are impossible: a stride is not longer "
            "than a window, which has up to 16384 samples": not 1 <= self.stride <= self.samples <= 1 << 14,
            f"a transform of length {length} is no power of 2 from 8 up to a window of {self.samples}": (
                length != 0 and (length & (length - 1) != 0 or not 8 <= length <= self.samples)
            ),
            f"statistics are some of {', '.join(USUAL)}": not set(self.statistics) <= set(USUAL),
            "there are no features: name statistics, or give fft_length": not self.statistics and not length,
            "kind is not motion": self.kind != "motion",
        }
        refuse(mistakes)

    @staticmethod
    def from_dict(table: Mapping[str, Any]) -> MotionFrontend:
        """Read the table `[frontend]`.

        Raises:
            UsageError: an unknown key or an impossible value.
        """
        return read_table(MotionFrontend, table, Document(path=("frontend",)))

    # What follows from it

    @property
    def samples(self) -> int:
        """Of each axis in a window."""
        return samples_in(self.window_ms, self.sample_rate)

    @property
    def stride(self) -> int:
        """Samples of each axis from one window to the next."""
        return samples_in(self.stride_ms, self.sample_rate)

    @property
    def step(self) -> int:
        """Samples of all axes that a step of the program takes."""
        return self.stride * self.axes

    @property
    def chosen(self) -> tuple[int, ...]:
        """Numbers of the statistics (edgeq.numerics.moments)."""
        from edgeq.numerics.moments import STATISTICS

        return tuple(STATISTICS.index(name) for name in self.statistics)

    @property
    def bins(self) -> int:
        """Of a spectrum, without the constant part."""
        return self.fft_length // 2

    @property
    def width(self) -> int:
        """Features of a window."""
        return self.axes * (len(self.statistics) + self.bins)

    @cached_property
    def weights(self) -> npt.NDArray[np.float32]:
        """What samples of a transform are multiplied with (fft_length)."""
        import numpy as np

        from edgeq.numerics import mel_weights

        shape = mel_weights.window(self.window, self.fft_length, symmetric=False)
        return (shape * self.sample_scale / self.fft_length).astype(np.float32)

    # Features

    def features(self, samples: npt.ArrayLike, stream: bool = False) -> npt.NDArray[np.float32]:
        """Features (…, windows, axes, statistics and bins) of samples (…, n, axes): what a model sees.

        Args:
            samples: int16; integers of another type must have values of int16.
            stream: windows that the program computes from a reset on, before which all samples were 0. Else the first
                window begins with the first sample.

        Raises:
            UsageError: the samples are no integers of 16 bits, of other axes, or fewer than a window.
        """
        import numpy as np

        from edgeq.numerics import float32, moments, spectrum

        given = self._checked(samples)
        if stream:
            silence = np.zeros((*given.shape[:-2], self.samples - self.stride, self.axes), np.int16)
            given = np.concatenate([silence, given], axis=-2)
        if given.shape[-2] < self.samples:
            raise UsageError(f"{given.shape[-2]} samples are fewer than a window of {self.samples}", where=WHERE)
        windows = spectrum.framed(np.swapaxes(given, -1, -2), self.samples, self.stride)
        windows = np.moveaxis(windows, -2, -3)  # (…, windows, axes, samples)
        found = [moments.statistics(windows, self.sample_scale)[..., self.chosen]] if self.statistics else []
        if self.fft_length:
            frames = spectrum.framed(windows, self.fft_length, self.bins).astype(np.float32)
            values = spectrum.rfft(frames * (self.weights * np.float32(0.5)), self.fft_length)
            energies = spectrum.sizes(values, 2)[..., 1:].max(axis=-2)
            found.append(float32.log(energies + np.float32(self.log_offset)) * np.float32(LOG10))
        return np.concatenate(found, axis=-1)

    def steps(self, samples: npt.ArrayLike) -> npt.NDArray[np.int16]:
        """Samples (…, n, axes) as the program takes them, (…, steps, step); what is no whole step is left out.

        Raises:
            UsageError: as `features`.
        """
        given = self._checked(samples)
        count = given.shape[-2] // self.stride
        if count == 0:
            raise UsageError(f"{given.shape[-2]} samples are fewer than a step of {self.stride}", where=WHERE)
        return given[..., : count * self.stride, :].reshape(*given.shape[:-2], count, self.step)

    def _checked(self, samples: npt.ArrayLike) -> npt.NDArray[np.int16]:
        given = int16(samples)
        if given.ndim < 2 or given.shape[-1] != self.axes:
            raise UsageError(
                f"samples of shape {given.shape} are not those of {self.axes} axes (…, n, axes)", where=WHERE
            )
        return given
