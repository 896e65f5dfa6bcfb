"""Log-mel bands and MFCCs in float32, as TensorFlow (`tf.signal`) and librosa make them.

Each operation rounds to float32 by itself, in an order that is the same on every processor (edgeq.numerics.spectrum).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from math import isfinite, log
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from edgeq.frontend.sound import KIND, check_size, heard, in_steps, int16, number, refuse, samples_in, whole
from edgeq.numerics.modes import Dct, Logarithm, Mel, Shape
from edgeq.options import Document, Option, read_table
from edgeq.options.kind import ON, TEXT, choice

if TYPE_CHECKING:  # a table is read without them
    import numpy as np
    import numpy.typing as npt

    from edgeq.numerics import spectrum

Kind = Literal["log-mel", "mfcc"]
TO_DB = 10.0 / log(10.0)
FACTORS = {"natural": 1.0, "log10": 1.0 / log(10.0), "db": TO_DB}
"""What natural logarithms are multiplied with; dB of magnitudes are twice as many."""


@dataclass(frozen=True)
class MelFrontend:
    """A log-mel or MFCC front end on int16 samples, in float32; the default is that of MLPerf Tiny's keyword spotting.

    Raises:
        UsageError: a number is impossible.
    """

    kind: Annotated[Kind, KIND] = "log-mel"
    sample_rate: Annotated[int, whole("Samples per second")] = 16000
    window_ms: Annotated[float, number("Length of a frame, in milliseconds")] = 30.0
    stride_ms: Annotated[float, number("From one frame to the next, in milliseconds")] = 20.0
    fft_length: Annotated[
        int,
        Option(
            "Length of the Fourier transform, a power of 2; behind a frame are zeros",
            whole("").kind,
            default="the next power of 2",
        ),
    ] = 0
    window: Annotated[Shape, Option("Weights of the samples of a frame", choice(get_args(Shape), metavar="W"))] = "hann"
    symmetric: Annotated[
        bool,
        Option("Whether a window's last sample equals its first, as in `numpy.hanning`, instead of a period's end", ON),
    ] = False
    power: Annotated[int, whole("1: bands of magnitudes, as TensorFlow; 2: of their squares, as librosa")] = 1
    channels: Annotated[int, whole("Mel bands")] = 40
    lower_hz: Annotated[float, number("Where the first band begins")] = 20.0
    upper_hz: Annotated[float, number("Where the last band ends")] = 4000.0
    mel: Annotated[
        Mel,
        Option(
            "Bands",
            choice(
                get_args(Mel),
                {
                    "tensorflow": "as `tf.signal.linear_to_mel_weight_matrix`",
                    "htk": "as librosa with `htk=True`, and torchaudio",
                    "slaney": "as librosa without",
                },
                "M",
            ),
        ),
    ] = "tensorflow"
    unit_area: Annotated[bool, Option('Whether bands have the same area, as librosa\'s `norm="slaney"`', ON)] = False
    log: Annotated[
        Logarithm,
        Option(
            "Of bands",
            choice(get_args(Logarithm), {"db": "10 times the logarithm of squares, 20 times that of magnitudes"}, "L"),
        ),
    ] = "natural"
    log_offset: Annotated[float, number("Added to bands before")] = 1e-6
    log_floor: Annotated[float, number("What bands are at least, before; 0: they are as they are")] = 0.0
    coefficients: Annotated[
        int, Option("Of kind mfcc: how many, from 0 on", whole("").kind, default="13, at most channels")
    ] = 0
    dct: Annotated[
        Dct,
        Option(
            "Of kind mfcc, the cosine transform",
            choice(
                get_args(Dct),
                {"tensorflow": "the coefficient 0 is √2 of an orthonormal one, as HTK's", "ortho": "as librosa"},
                "D",
            ),
        ),
    ] = "tensorflow"
    lifter: Annotated[
        float, number("Of kind mfcc, L: coefficient k times 1 + L / 2 · sin(π (k + 1) / L), as librosa; 0: as it is")
    ] = 0.0
    sample_scale: Annotated[float, number("What a sample of 1 stands for; 1/32768 is what .wav readers give")] = (
        1 / 32768
    )
    scale: Annotated[float, number("The model sees scale · feature + shift")] = 1.0
    shift: Annotated[float, number("See scale")] = 0.0
    frames: Annotated[int, whole("Frames that a step of the program takes")] = 1
    clip_ms: Annotated[
        float,
        Option(
            "The program takes so much sound at once, and keeps nothing of it",
            number("").kind,
            default="steps, each of `frames` new frames",
        ),
    ] = 0.0
    name: Annotated[str | None, Option("The model's input that takes features", TEXT, default="its only one")] = None

    def __post_init__(self) -> None:
        reals = [getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), float)]
        check_size(self.sample_rate, self.window_ms, self.stride_ms, self.clip_ms, self.channels, self.frames)
        least = min(
            *(self.sample_rate, self.window_ms, self.stride_ms, self.channels, self.frames, self.sample_scale),
            1.0 if self.scale else 0.0,
        )
        unsigned = min(self.log_offset, self.log_floor, self.lifter, self.coefficients, self.clip_ms, self.fft_length)
        bins, length = self.length // 2 + 1, self.length
        mistakes = {
            "a number is not finite": not all(map(isfinite, reals)),
            "sample_rate, window_ms, stride_ms, channels, frames and sample_scale are greater than 0, scale is not 0, "
            "log_offset, log_floor, coefficients, lifter, clip_ms and fft_length are not below 0": (
                not (least > 0 and unsigned >= 0)
            ),
            f"power is {self.power}, neither 1 nor 2": self.power not in (1, 2),
            "bands lie between 0 and half the sample rate": (
                not 0 <= self.lower_hz < self.upper_hz <= self.sample_rate / 2
            ),
            f"frames of {self.samples} samples every {self.stride} samples are impossible: a stride is not longer than "
            "a window, which has from 8 to 16384 samples": not 1 <= self.stride <= self.samples <= 1 << 14
            or self.samples < 8,
            f"a transform of length {length} is no power of 2 from 8 to 16384, or shorter than a window": (
                length < self.samples or length & (length - 1) != 0 or length > 1 << 14
            ),
            f"{self.channels} bands of {bins} bins are impossible": self.channels > bins,
            f"{self.coefficients} coefficients of {self.channels} bands are impossible": (
                self.coefficients > self.channels
            ),
            "coefficients, dct and lifter are for kind mfcc": self.kind == "log-mel"
            and (self.coefficients, self.dct, self.lifter) != (0, "tensorflow", 0.0),
            "a clip is shorter than a frame": 0 < self.clip < self.samples,
            "frames is for steps; in a clip there are as many as fit": self.clip > 0 and self.frames != 1,
            "log_offset and log_floor are both 0: silence has no logarithm": self.log_offset + self.log_floor == 0,
            "kind is neither log-mel nor mfcc": self.kind not in get_args(Kind),
        }
        refuse(mistakes)

    @staticmethod
    def from_dict(table: Mapping[str, Any]) -> MelFrontend:
        """Read the table `[frontend]`.

        Raises:
            UsageError: an unknown key or an impossible value.
        """
        return read_table(MelFrontend, table, Document(path=("frontend",)))

    # What follows from it

    @property
    def samples(self) -> int:
        """Of a frame."""
        return samples_in(self.window_ms, self.sample_rate)

    @property
    def stride(self) -> int:
        """Samples from one frame to the next."""
        return samples_in(self.stride_ms, self.sample_rate)

    @property
    def clip(self) -> int:
        """Samples of a clip; 0: the program takes steps."""
        return samples_in(self.clip_ms, self.sample_rate)

    @property
    def step(self) -> int:
        """Samples that a run of the program takes."""
        return self.clip or self.stride * self.frames

    @property
    def new_frames(self) -> int:
        """Frames that a run of the program adds."""
        return 1 + (self.clip - self.samples) // self.stride if self.clip else self.frames

    @property
    def length(self) -> int:
        """Of the Fourier transform."""
        return self.fft_length or 1 << max(3, (self.samples - 1).bit_length())

    @property
    def features_of_frame(self) -> int:
        """Numbers that a frame gives."""
        return (self.coefficients or min(13, self.channels)) if self.kind == "mfcc" else self.channels

    @cached_property
    def weights(self) -> npt.NDArray[np.float32]:
        """What samples of a frame are multiplied with (samples): the window, and what a sample of 1 stands for."""
        import numpy as np

        from edgeq.numerics import mel_weights

        return (mel_weights.window(self.window, self.samples, self.symmetric) * self.sample_scale).astype(np.float32)

    @cached_property
    def bands(self) -> spectrum.Bands:
        """The bands, of the bins of a spectrum."""
        import numpy as np

        from edgeq.numerics import mel_weights, spectrum

        bins, edges = self.length // 2 + 1, (self.lower_hz, self.upper_hz)
        matrix = mel_weights.bands(self.channels, *edges, self.sample_rate, bins, self.mel, self.unit_area)
        return spectrum.in_bands(matrix.astype(np.float32))

    @cached_property
    def cosines(self) -> npt.NDArray[np.float32]:
        """Of kind mfcc, the cosine transform (coefficients, channels) of natural logarithms, times all factors."""
        import numpy as np

        from edgeq.numerics import mel_weights

        rows = mel_weights.cosines(self.features_of_frame, self.channels, self.dct, self.lifter)
        return (rows * self.factor).astype(np.float32)

    @property
    def factor(self) -> float:
        """What natural logarithms are multiplied with."""
        return FACTORS[self.log] * (2 if self.log == "db" and self.power == 1 else 1) * self.scale

    # Features

    def features(self, samples: npt.ArrayLike, stream: bool = False) -> npt.NDArray[np.float32]:
        """Features (…, frames, channels or coefficients) of sound (…, samples): what a model sees.

        Args:
            samples: int16, each of the last dimension's lines a recording of its own; integers of another type must
                have values of int16.
            stream: frames that the program computes from a reset on: before the first sample comes silence, so that
                the first frame ends with the first `stride` samples. Else the first frame begins with the first sample.

        Raises:
            UsageError: the samples are no integers of 16 bits, or shorter than a frame.
        """
        import numpy as np

        from edgeq.numerics import float32, spectrum

        sound = heard(samples, self.samples, self.stride, stream)
        frames = spectrum.framed(sound, self.samples, self.stride).astype(np.float32)
        values = spectrum.rfft(frames * (self.weights * np.float32(0.5)), self.length)
        found = spectrum.band_sums(spectrum.sizes(values, self.power), self.bands)
        if self.log_offset:
            found = found + np.float32(self.log_offset)
        if self.log_floor:
            found = np.maximum(found, np.float32(self.log_floor))
        found = float32.log(found)
        if self.kind == "mfcc":
            return float32.products(found, self.cosines.T) + np.float32(self.shift)
        if self.factor != 1:
            found = found * np.float32(self.factor)
        return found + np.float32(self.shift) if self.shift else found

    def steps(self, samples: npt.ArrayLike) -> npt.NDArray[np.int16]:
        """Sound (…, samples) as the program takes it, (…, steps, step); what is no whole step is left out. Clips of
        recordings that are no longer than one are the rows of (…, clip).

        Raises:
            UsageError: as `features`.
        """
        steps = in_steps(samples, self.step)
        return steps[..., 0, :] if self.clip and int16(samples).shape[-1] < 2 * self.clip else steps
