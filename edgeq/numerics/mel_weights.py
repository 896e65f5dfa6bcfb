"""Tables of front ends of real numbers: windows, mel bands, cosine transforms, as TensorFlow and librosa have them.

All are computed in float64 and rounded to float32 once.
"""

from __future__ import annotations

from math import log, pi

import numpy as np
import numpy.typing as npt

from edgeq.numerics.modes import Dct, Mel, Shape

Reals = npt.NDArray[np.float64]
COSINES = {"hann": (0.5, 0.5), "hamming": (0.54, 0.46), "none": (1.0, 0.0)}
"""What a window is, less what times the cosine of a turn along it."""


def window(shape: Shape, size: int, symmetric: bool) -> Reals:
    """A window (size): of a period of `size` samples, or one whose last sample equals the first."""
    one, part = COSINES[shape]
    period = max(size - 1, 1) if symmetric else size
    return one - part * np.cos(2 * pi * np.arange(size) / period)


LINEAR_HZ, LINEAR_MEL, STEPS_PER_NEPER = 1000.0, 15.0, 27.0 / log(6.4)
"""Slaney's scale: 3 mel for 200 Hz up to 1000 Hz, from there on 27 mel for a factor of 6.4."""


def to_mel(hertz: Reals, scale: Mel) -> Reals:
    """Mel of frequencies."""
    if scale != "slaney":
        return np.asarray(1127.0 * np.log1p(hertz / 700.0))
    above = LINEAR_MEL + STEPS_PER_NEPER * np.log(np.maximum(hertz, LINEAR_HZ) / LINEAR_HZ)
    return np.where(hertz < LINEAR_HZ, hertz * LINEAR_MEL / LINEAR_HZ, above)


def to_hertz(mel: Reals, scale: Mel) -> Reals:
    """Frequencies of mel."""
    if scale != "slaney":
        return np.asarray(700.0 * np.expm1(mel / 1127.0))
    above = LINEAR_HZ * np.exp((np.maximum(mel, LINEAR_MEL) - LINEAR_MEL) / STEPS_PER_NEPER)
    return np.where(mel < LINEAR_MEL, mel * LINEAR_HZ / LINEAR_MEL, above)


def bands(count: int, lower: float, upper: float, rate: float, bins: int, scale: Mel, unit_area: bool) -> Reals:
    """Weights (bins, count) of triangles whose corners are equally far apart on a mel scale.

    Args:
        count: of bands.
        lower, upper: where the first begins and the last ends, in Hz.
        rate: samples per second.
        bins: of the spectrum, from 0 to half the rate.
        scale: "tensorflow": triangles in mel, as `tf.signal.linear_to_mel_weight_matrix`, without the bin 0; "htk" and
            "slaney": triangles in Hz, as `librosa.filters.mel`.
        unit_area: each is divided by half its width in Hz, as librosa's `norm="slaney"`.
    """
    low, high = to_mel(np.array([lower, upper]), scale)
    mel = np.linspace(low, high, count + 2)
    hertz = to_hertz(mel, scale)
    places = np.linspace(0.0, rate / 2, bins)
    corners = hertz
    if scale == "tensorflow":
        places, corners = to_mel(places, scale), mel
    rising = (places[:, None] - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - places[:, None]) / (corners[2:] - corners[1:-1])
    weights = np.maximum(np.minimum(rising, falling), 0.0)
    if scale == "tensorflow":
        weights[0] = 0.0
    return np.asarray(weights * (2.0 / (hertz[2:] - hertz[:-2])) if unit_area else weights)


def cosines(count: int, size: int, kind: Dct, lifter: float) -> Reals:
    """The first `count` rows (count, size) of a cosine transform (DCT-II).

    Args:
        count: of coefficients.
        size: of what is transformed.
        kind: "ortho": orthonormal; "tensorflow": the first coefficient is √2 of that, as in
            `tf.signal.mfccs_from_log_mel_spectrograms` and HTK.
        lifter: 0, or L: the coefficient k, from 0, is multiplied with 1 + L / 2 · sin(π (k + 1) / L), as in librosa.
    """
    k = np.arange(count)
    rows = np.cos(pi * np.outer(k, np.arange(size) + 0.5) / size) * np.sqrt(2.0 / size)
    if kind == "ortho":
        rows[0] *= np.sqrt(0.5)
    return rows * (1.0 + lifter / 2 * np.sin(pi * (k + 1) / lifter))[:, None] if lifter else np.asarray(rows)
