"""Words that a synthesiser speaks, noise, and the spectra that networks see: data for examples/keyword and wake_word.

Vowels are two resonances (formants) over the pulses of a voice; a word glides through some of them. Every speaker has a
pitch, a size of the head (which scales the formants), a pace and a loudness of their own.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

RATE = 8000
"""Samples a second."""
FRAME, HOP, BANDS = 256, 160, 20
"""Samples of a spectrum, from one spectrum to the next (20 ms), and bands of each."""
FLOOR = 1e-3
VOWELS = {"a": (730, 1190), "e": (530, 1840), "i": (280, 2300), "o": (500, 860), "u": (310, 790)}
"""Formants in Hz, rounded from those that are measured of adults."""
WORDS = {"hello": "eeoo", "yeah": "ieaa", "oui": "uuii"}
OTHERS = ("aaee", "oiou", "eeui", "ouae", "iooe", "uaao")
"""What is said besides."""
_LOWEST, _HIGHEST = 80.0, 3800.0


def speak(words: Sequence[str], rng: np.random.Generator) -> list[np.ndarray]:
    """Each word by a speaker of its own: 0.35 to 0.6 s, float samples within ±1."""
    count = (RATE * rng.uniform(0.35, 0.6, len(words))).astype(int)
    head, pitch = rng.uniform(0.88, 1.14, len(words)), rng.uniform(90, 230, len(words))
    time = np.minimum(1, np.arange(count.max()) / count[:, None])  # of each word from 0 to 1
    phase = np.cumsum(pitch[:, None] * (1 + 0.1 * rng.normal(size=(len(words), 1)) * (2 * time - 1)) / RATE, 1)
    pulses = np.diff(np.floor(phase), prepend=0.0) + 0.02 * rng.normal(size=time.shape)
    voice = np.zeros(time.shape)
    for k, (width, share) in enumerate(((60, 1.0), (100, 0.6))):
        glide = [
            np.interp(t * (len(word) - 1), np.arange(len(word)), [VOWELS[v][k] for v in word])
            for t, word in zip(time, words, strict=True)
        ]
        radius = np.exp(-np.pi * width / RATE)
        feedback = 2 * radius * np.cos(2 * np.pi * head[:, None] * np.array(glide) / RATE)
        newer = older = np.zeros(len(words))
        for n in range(time.shape[1]):  # a resonator whose frequency moves, of all words at once
            newer, older = pulses[:, n] + feedback[:, n] * newer - radius * radius * older, newer
            voice[:, n] += share * newer
    spoken = []
    for row, samples, loudness in zip(voice, count, rng.uniform(0.15, 0.6, len(words)), strict=True):
        at = np.arange(samples)
        ends = np.minimum(1, np.minimum(at, at[::-1]) / (0.03 * RATE))
        spoken.append(loudness * ends * row[:samples] / np.abs(row[:samples]).max())
    return spoken


def noise(count: int, rng: np.random.Generator) -> np.ndarray:
    """A room: hiss and hum."""
    hum = np.sin(2 * np.pi * rng.uniform(45, 120) * np.arange(count) / RATE + rng.uniform(0, 6))
    return rng.uniform(0.001, 0.02) * rng.normal(size=count) + rng.uniform(0, 0.02) * hum


def filters() -> np.ndarray:
    """Weights (FRAME/2 + 1, BANDS) of triangles that are equally wide on the mel scale."""

    def mel(f: np.ndarray | float) -> np.ndarray:
        return np.asarray(2595 * np.log10(1 + np.asarray(f) / 700))

    edges = 700 * (10 ** (np.linspace(mel(_LOWEST), mel(_HIGHEST), BANDS + 2) / 2595) - 1)
    bins = np.arange(FRAME // 2 + 1) * RATE / FRAME
    up = (bins[:, None] - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - bins[:, None]) / (edges[2:] - edges[1:-1])
    return np.maximum(0, np.minimum(up, down)).astype(np.float32)


def spectra(sound: np.ndarray) -> np.ndarray:
    """Logarithms of the bands' amplitudes, (frames, BANDS): what mel.c computes, too."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::HOP] * window
    return np.log(np.abs(np.fft.rfft(frames)) @ filters() + FLOOR).astype(np.float32)


def as_int16(sound: np.ndarray) -> np.ndarray:
    """As a microphone's converter gives it."""
    return np.clip(np.rint(sound * 32767), -32768, 32767).astype("<i2")


def compact(values: np.ndarray) -> np.ndarray:
    """Spectra for a small file: in steps of 1/32, far finer than the network's integers."""
    return (np.rint(values * 32) / 32).astype(np.float16)
