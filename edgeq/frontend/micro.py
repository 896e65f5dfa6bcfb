"""The micro front end: log-mel bands with PCAN, in whole numbers.

The arithmetic is that of TensorFlow's micro front end (edgeq.numerics.signal).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from edgeq.errors import UsageError
from edgeq.frontend.sound import KIND, WHERE, check_size, heard, in_steps, number, whole
from edgeq.numerics.modes import Tables
from edgeq.options import Document, Option, read_table
from edgeq.options.kind import ON, TEXT, choice

if TYPE_CHECKING:  # a table is read without them
    import numpy as np
    import numpy.typing as npt

    from edgeq.numerics import mel

SMOOTHING_BITS, SHARE_BITS = 10, 14
"""Fractional bits of estimates of noise, and of the shares that they are made with."""


@dataclass(frozen=True)
class Frontend:
    """A log-mel front end on int16 samples; the default is that of TensorFlow's micro_speech.

    Raises:
        UsageError: a number is impossible.
    """

    kind: Annotated[Literal["micro"], KIND] = "micro"
    sample_rate: Annotated[int, whole("Samples per second")] = 16000
    window_ms: Annotated[float, number("Length of a frame, in milliseconds")] = 30.0
    stride_ms: Annotated[float, number("From one frame to the next, in milliseconds")] = 20.0
    channels: Annotated[int, whole("Mel bands")] = 40
    lower_hz: Annotated[float, number("Where the first band begins")] = 125.0
    upper_hz: Annotated[float, number("Where the last band ends")] = 7500.0
    even_smoothing: Annotated[float, number("Share of a new frame in the estimates of noise, of bands 0, 2, 4, …")] = (
        0.025
    )
    odd_smoothing: Annotated[float, number("The same of bands 1, 3, 5, …")] = 0.06
    least_signal: Annotated[
        float, number("Share of a band that always remains when its noise is taken away; 1 takes nothing away")
    ] = 0.05
    pcan: Annotated[bool, Option("Whether bands get a gain for the level of their noise", ON)] = True
    pcan_strength: Annotated[float, number("The gain is (noise + pcan_offset)^-pcan_strength")] = 0.95
    pcan_offset: Annotated[float, number("See pcan_strength")] = 80.0
    pcan_gain_bits: Annotated[int, whole("Fractional bits of gains")] = 21
    log_shift: Annotated[int, whole("Logarithms are multiplied by 2^log_shift and rounded")] = 6
    scale: Annotated[
        float, number("What the model sees of a feature of 1; 1/25.6 is what micro_speech and microWakeWord use")
    ] = 1 / 25.6
    tables: Annotated[
        Tables,
        Option(
            "How windows and weights of bands are rounded",
            choice(
                get_args(Tables),
                {
                    "micro-frontend": "as TensorFlow's micro front end, in C",
                    "tflm": "as TensorFlow Lite Micro's Python package, of which audio_preprocessor.tflite is made",
                },
                "T",
            ),
        ),
    ] = "micro-frontend"
    frames: Annotated[int, whole("Frames that a step of the program takes")] = 1
    name: Annotated[str | None, Option("The model's input that takes features", TEXT, default="its only one")] = None

    def __post_init__(self) -> None:
        if self.kind != "micro":
            raise UsageError(f"kind {self.kind} has other options", hint="use edgeq.MelFrontend", where=WHERE)
        reals = [getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), float)]
        if not all(map(isfinite, reals)):
            raise UsageError("a number is not finite", where=WHERE)
        check_size(self.sample_rate, self.window_ms, self.stride_ms, self.channels, self.frames)
        least = min(self.sample_rate, self.window_ms, self.stride_ms, self.channels, self.frames, self.scale)
        if least <= 0 or not 0 <= self.lower_hz < self.upper_hz <= self.sample_rate / 2:
            raise UsageError(
                "sample_rate, window_ms, stride_ms, channels, frames and scale must be greater than 0, and bands lie "
                "between 0 and half the sample rate",
                where=WHERE,
            )
        if not all(0 <= share <= 1 for share in (self.even_smoothing, self.odd_smoothing, self.least_signal)):
            raise UsageError("even_smoothing, odd_smoothing and least_signal are from 0 to 1", where=WHERE)
        if self.stride > self.window or self.stride < 1 or not 4 <= self.window <= 1 << 14:
            raise UsageError(
                f"frames of {self.window} samples every {self.stride} samples are impossible",
                hint="a stride is not longer than a window, which has from 4 to 16384 samples",
                where=WHERE,
            )
        if self.channels > self.bins:
            raise UsageError(
                f"{self.channels} bands of {self.bins} bins are impossible",
                hint="use fewer channels or longer frames",
                where=WHERE,
            )
        if not 0 <= self.log_shift <= 10 or not 0 <= self.pcan_gain_bits < 31 or self.snr_shift < 0:
            raise UsageError("log_shift or pcan_gain_bits is out of range", where=WHERE)
        if self.pcan_offset <= 0:
            raise UsageError("pcan_offset must be greater than 0", where=WHERE)
        try:
            _ = self.bands
        except ValueError as error:
            raise UsageError(str(error), hint="lower upper_hz", where=WHERE) from error

    @staticmethod
    def from_dict(table: Mapping[str, Any]) -> Frontend:
        """Read the table `[frontend]`.

        Raises:
            UsageError: an unknown key or an impossible value.
        """
        return read_table(Frontend, table, Document(path=("frontend",)))

    def to_dict(self) -> dict[str, Any]:
        """The table that `from_dict` reads, with all that is not None."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {key: value for key, value in values.items() if value is not None}

    # What follows from it

    @property
    def window(self) -> int:
        """Samples of a frame."""
        return int(self.window_ms * self.sample_rate / 1000)

    @property
    def stride(self) -> int:
        """Samples from one frame to the next."""
        return int(self.stride_ms * self.sample_rate / 1000)

    @property
    def step(self) -> int:
        """Samples that a step of the program takes."""
        return self.stride * self.frames

    @property
    def length(self) -> int:
        """Of the Fourier transform."""
        return 1 << max(2, (self.window - 1).bit_length())

    @property
    def bins(self) -> int:
        """Of the spectrum."""
        return self.length // 2 + 1

    @property
    def correction_bits(self) -> int:
        """By how many bits roots of sums over bands are too small: the transform divides, weights multiply."""
        from edgeq.numerics import mel

        return self.length.bit_length() - 1 - mel.WEIGHT_BITS // 2

    @property
    def snr_shift(self) -> int:
        """What products of bands and gains are divided by, as a power of two."""
        from edgeq.numerics import signal

        return self.pcan_gain_bits - self.correction_bits - signal.SNR_BITS

    @cached_property
    def weights(self) -> npt.NDArray[np.int16]:
        """The window (window)."""
        from edgeq.numerics import mel

        return mel.hann(self.window, self.tables)

    @cached_property
    def bands(self) -> mel.Bands:
        """The bands."""
        from edgeq.numerics import mel

        return mel.bands(self.channels, self.lower_hz, self.upper_hz, self.sample_rate, self.bins, self.tables)

    @cached_property
    def gains(self) -> npt.NDArray[np.int16]:
        """The table of gains (GAIN_KNOTS)."""
        from edgeq.numerics import mel

        input_bits = SMOOTHING_BITS - self.correction_bits
        return mel.gains(self.pcan_strength, self.pcan_offset, self.pcan_gain_bits, input_bits)

    @property
    def shares(self) -> tuple[tuple[int, int], tuple[int, int], int]:
        """Of new frames and of old estimates, of bands of even and odd index; and of what always remains."""
        import numpy as np

        one = 1 << SHARE_BITS
        new = (int(np.float32(self.even_smoothing) * one), int(np.float32(self.odd_smoothing) * one))
        return new, (one - new[0], one - new[1]), int(np.float32(self.least_signal) * one)

    # Features

    def integers(self, samples: npt.ArrayLike, stream: bool = False) -> npt.NDArray[np.int32]:
        """Features (…, frames, channels) of sound (…, samples), as whole numbers.

        Args:
            samples: int16, each of the last dimension's lines a recording of its own; integers of another type must
                have values of int16.
            stream: frames that the program computes from a reset on: before the first sample comes silence, so that
                the first frame ends with the first `stride` samples. Else the first frame begins with the first sample.

        Raises:
            UsageError: the samples are no integers of 16 bits, or shorter than a frame.
        """
        import numpy as np

        from edgeq.numerics import mel, signal

        sound = heard(samples, self.window, self.stride, stream)
        framed = np.lib.stride_tricks.sliding_window_view(sound, self.window, axis=-1)[..., :: self.stride, :]
        scaled, bits = signal.fft_auto_scale(signal.window(framed, self.weights, mel.WEIGHT_BITS))
        bands = self.bands
        energy = signal.energy(signal.rfft(scaled, self.length), bands.start, bands.end)
        sums = signal.filter_bank(energy, bands.weights, bands.unweights, bands.starts, bands.firsts, bands.widths)
        roots = signal.filter_bank_square_root(sums, bits)
        noise = np.zeros((*sound.shape[:-1], self.channels), np.int32)
        (new, kept, least), features = self.shares, []
        for k in range(roots.shape[-2]):
            cleaned, noise = signal.spectral_subtraction(
                roots[..., k, :], noise, new, kept, least, SMOOTHING_BITS, SHARE_BITS, False
            )
            features.append(signal.pcan(cleaned, noise, self.gains, self.snr_shift) if self.pcan else cleaned)
        return signal.filter_bank_log(np.stack(features, axis=-2), 1 << self.log_shift, self.correction_bits)

    def features(self, samples: npt.ArrayLike, stream: bool = False) -> npt.NDArray[np.float32]:
        """What a model sees: the numbers of `integers`, times the scale."""
        import numpy as np

        return (self.integers(samples, stream) * self.scale).astype(np.float32)

    def steps(self, samples: npt.ArrayLike) -> npt.NDArray[np.int16]:
        """Sound (…, samples) as the program takes it, (…, steps, step); what is no whole step is left out.

        Raises:
            UsageError: as `integers`.
        """
        return in_steps(samples, self.step)
