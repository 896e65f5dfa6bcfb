"""Train a network that hears one word in a stream, with Keras, on words that a synthesiser speaks.

    python train.py     writes wake_word.tflite, calibration.npz, test.npz, stream.raw and picture.svg beside this file

Needs TensorFlow: pip install "edgeq[tensorflow]". The network sees a window of 0.8 s; edgeq makes a program of it that
takes the newest 20 ms and computes only what they change (`stream` in edgeq.toml).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "audio")]

from pictures import Picture  # noqa: E402
from speech import HOP, OTHERS, RATE, WORDS, as_int16, compact, noise, speak, spectra  # noqa: E402

WORD = "hello"
WINDOW = 40
"""Spectra that the network sees."""
LATE = (1, 8)
"""How many spectra after its end a word is still to be heard."""


def stream(seconds: float, rng: np.random.Generator) -> tuple[np.ndarray, list[tuple[str, int, int]]]:
    """A room in which somebody speaks now and then: 16-bit samples, and each word with its first and last sample."""
    sound, said, at = noise(int(seconds * RATE), rng), [], int(0.9 * RATE)
    names = rng.choice([WORD, "other"], int(seconds), p=[0.45, 0.55])
    others = [*OTHERS, *(vowels for name, vowels in WORDS.items() if name != WORD)]
    words = speak([WORDS[WORD] if n == WORD else str(rng.choice(others)) for n in names], rng)
    for name, word in zip(names, words, strict=True):
        if at + len(word) > len(sound):
            break
        sound[at : at + len(word)] += word
        said.append((str(name), at, at + len(word)))
        at += len(word) + int(RATE * rng.uniform(0.25, 0.9))
    return as_int16(sound), said


def windows(samples: np.ndarray, said: list[tuple[str, int, int]]) -> tuple[np.ndarray, np.ndarray]:
    """Every window (n, WINDOW, bands), and whether the word has just been said (1), not (0), or hardly (-1)."""
    rows = spectra(samples / 32767)
    x = np.lib.stride_tricks.sliding_window_view(rows, WINDOW, 0).transpose(0, 2, 1)
    y, last = np.zeros(len(x), int), np.arange(len(x)) + WINDOW - 1
    for name, _, end in said:
        since = last - end // HOP
        if name == WORD:
            y[(since > -10) & (since < LATE[1] + 8)] = -1
            y[(since >= LATE[0]) & (since <= LATE[1])] = 1
    return x, y


def train(x: np.ndarray, y: np.ndarray):
    """Four convolutions over time and a mean: 8,000 weights."""
    import keras

    keras.utils.set_random_seed(1)
    layers = keras.layers
    net = [keras.Input(x.shape[1:], batch_size=1), layers.Rescaling(0.3, 1.0)]
    net += [layers.Conv1D(24, 5, activation="relu") for _ in range(3)]
    net += [layers.Conv1D(24, 5, dilation_rate=4, activation="relu"), layers.GlobalAveragePooling1D()]
    model = keras.Sequential([*net, layers.Dense(2, activation="softmax")])
    model.compile(keras.optimizers.Adam(2e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, 64, epochs=6, verbose=2)
    return model


def main() -> None:
    """Train, tell how well it hears, write the files."""
    import tensorflow as tf

    rng = np.random.default_rng(5)
    samples, said = stream(900, rng)
    x, y = windows(samples, said)
    clear = np.flatnonzero(y >= 0)
    clear = np.concatenate([clear[y[clear] == 1], rng.permutation(clear[y[clear] == 0])[:14000]])
    model = train(x[clear], y[clear])
    rng = np.random.default_rng(11)
    samples, said = stream(6, rng)
    x, y = windows(samples, said)
    scores = model.predict(x, verbose=0)[:, 1]
    print("said:", [(name, f"{end / RATE:.2f} s") for name, _, end in said])
    print("least score of a word:", scores[y == 1].min(), " largest otherwise:", scores[y == 0].max())
    (HERE / "wake_word.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    calibration, _ = windows(*stream(90, rng))
    np.savez_compressed(HERE / "calibration.npz", x=compact(calibration[::90]))
    np.savez_compressed(HERE / "test.npz", x=compact(spectra(samples / 32767))[:, np.newaxis])
    samples.tofile(HERE / "stream.raw")
    picture = Picture(760, 250)
    picture.map(20, 30, 720, 90, spectra(samples / 32767).T[::-1])
    late = np.concatenate([np.zeros(WINDOW - 1), scores])
    picture.lines(20, 140, 720, 80, [late], 0, 1)
    picture.level(20, 140 + 80 * 0.3, 720, "0.7")
    for name, first, _ in said:
        picture.text(20 + 720 * first / len(samples), 22, name, 12, "#00796b" if name == WORD else "#888")
    picture.text(
        20,
        240,
        f"{len(samples) / RATE:.0f} seconds of sound, and how sure the network is that “{WORD}” was just said.",
        12,
    )
    picture.save(HERE / "picture.svg")


if __name__ == "__main__":
    main()
