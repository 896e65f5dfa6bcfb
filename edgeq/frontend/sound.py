"""What all front ends take: samples of sound, in frames and in steps of a program."""

from __future__ import annotations

from collections.abc import Mapping
from math import inf, isfinite
from typing import TYPE_CHECKING

from edgeq.errors import UsageError
from edgeq.options import Option
from edgeq.options.kind import INTEGER, NUMBER, choice

if TYPE_CHECKING:  # a table is read without them
    import numpy as np
    import numpy.typing as npt

WHERE = "[frontend]"
MOST = 10_000_000
"""Samples per second, milliseconds, bands, axes or frames: far more than any sensor, model or processor has."""
KIND = Option(
    "Which front end",
    choice(
        ("micro", "log-mel", "mfcc", "motion"),
        {
            "micro": "TensorFlow's micro front end, in whole numbers",
            "log-mel": "logarithms of mel bands, in float32",
            "mfcc": "their cosine transform, in float32",
            "motion": "statistics and spectra of a sensor's axes, in float32",
        },
        "K",
    ),
)


def number(help: str) -> Option:
    """The declaration of a real number."""
    return Option(help, NUMBER)


def whole(help: str) -> Option:
    """The declaration of a whole number."""
    return Option(help, INTEGER)


def check_size(*numbers: float) -> None:
    """Refuse rates, lengths and counts of which no table can be made.

    Raises:
        UsageError: one is greater than `MOST`.
    """
    if any(MOST < number < inf for number in numbers):
        raise UsageError(f"a rate, a length or a count is greater than {MOST}", where=WHERE)


def refuse(mistakes: Mapping[str, bool]) -> None:
    """Refuse what is wrong with a table, by the first of the mistakes that were made.

    Raises:
        UsageError: one was made.
    """
    for mistake, made in mistakes.items():
        if made:
            raise UsageError(mistake, where=WHERE)


def samples_in(ms: float, sample_rate: float) -> int:
    """Samples in so many milliseconds; 0 where a number is not finite, which is a mistake of its own."""
    return round(ms * sample_rate / 1000) if isfinite(ms) and isfinite(sample_rate) else 0


def int16(samples: npt.ArrayLike) -> npt.NDArray[np.int16]:
    """Sound as samples of 16 bits.

    Raises:
        UsageError: they are no integers of 16 bits.
    """
    import numpy as np

    sound = np.asarray(samples)
    if sound.dtype.kind not in "iu":
        raise UsageError(
            f"samples are {sound.dtype}, not integers",
            hint="multiply sound from −1 to 1 by 32768, round it and limit it to −32768 … 32767",
            where=WHERE,
        )
    if sound.size and not (int(sound.min()) >= -(2**15) and int(sound.max()) < 2**15):
        raise UsageError("samples are not those of 16 bits: from −32768 to 32767", where=WHERE)
    return sound.astype(np.int16)


def heard(samples: npt.ArrayLike, window: int, stride: int, stream: bool) -> npt.NDArray[np.int16]:
    """Sound (…, samples) of which frames are cut.

    Args:
        samples: as `int16` takes them.
        window, stride: of frames, in samples.
        stream: silence comes before it, so that the first frame ends with the first `stride` samples.

    Raises:
        UsageError: as `int16`, or it is shorter than a frame.
    """
    import numpy as np

    sound = int16(samples)
    if stream:
        sound = np.concatenate([np.zeros((*sound.shape[:-1], window - stride), np.int16), sound], axis=-1)
    if sound.ndim == 0 or sound.shape[-1] < window:
        raise UsageError(f"sound of shape {sound.shape} is shorter than a frame of {window} samples", where=WHERE)
    return sound


def in_steps(samples: npt.ArrayLike, step: int) -> npt.NDArray[np.int16]:
    """Sound (…, samples) as a program takes it, (…, steps, step); what is no whole step is left out.

    Raises:
        UsageError: as `int16`, or it is shorter than a step.
    """
    sound = int16(samples)
    count = sound.shape[-1] // step if sound.ndim else 0
    if count == 0:
        raise UsageError(f"sound of shape {sound.shape} is shorter than a step of {step} samples", where=WHERE)
    return sound[..., : count * step].reshape(*sound.shape[:-1], count, step)
