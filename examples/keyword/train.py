"""Train a network that tells three words apart, with Keras, on words that a synthesiser speaks.

    python train.py     writes keyword.tflite, calibration.npz, test.npz, sounds/*.raw and picture.svg beside this file

Needs TensorFlow: pip install "edgeq[tensorflow]". With recordings of your own, `sounds` is what changes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "audio")]

from pictures import Picture  # noqa: E402
from speech import OTHERS, RATE, WORDS, as_int16, compact, noise, speak, spectra  # noqa: E402

CLASSES = ("nothing", "something", *WORDS)
SECONDS = 1.0


def sounds(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Sounds of a second, 16 bits, and their classes."""
    labels = rng.integers(0, len(CLASSES), count)
    others = rng.choice(OTHERS, count)
    words = speak([WORDS.get(CLASSES[label], other) for label, other in zip(labels, others, strict=True)], rng)
    samples = []
    for label, word in zip(labels, words, strict=True):
        sound = noise(int(SECONDS * RATE), rng)
        if label:
            start = rng.integers(0, len(sound) - len(word))
            sound[start : start + len(word)] += word
        samples.append(as_int16(sound))
    return np.stack(samples), labels


def features(samples: np.ndarray) -> np.ndarray:
    """Spectra (sounds, 49, 20, 1)."""
    return np.stack([spectra(s / 32767)[..., None] for s in samples])


def train(x: np.ndarray, y: np.ndarray):
    """A convolution, two separable ones, a mean: 3,500 weights."""
    import keras

    keras.utils.set_random_seed(1)
    layers = keras.layers
    net = [
        keras.Input(x.shape[1:], batch_size=1),
        layers.Rescaling(0.3, 1.0),  # about -1 … 1; in the integers of the device it costs nothing
        layers.Conv2D(24, (5, 4), strides=2, padding="same", activation="relu"),
    ]
    for channels in (32, 40):
        net += [
            layers.DepthwiseConv2D(3, strides=2 if channels == 32 else 1, padding="same", activation="relu"),
            layers.Conv2D(channels, 1, activation="relu"),
        ]
    model = keras.Sequential([*net, layers.GlobalAveragePooling2D(), layers.Dense(len(CLASSES), activation="softmax")])
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, 32, epochs=14, verbose=2)
    return model


def main() -> None:
    """Train, tell the accuracy, write the files."""
    import tensorflow as tf

    rng = np.random.default_rng(3)
    (train_x, train_y), (test_x, test_y) = sounds(2400, rng), sounds(200, rng)
    x, test = features(train_x), features(test_x)
    model = train(x, train_y)
    scores = model.predict(test, batch_size=1, verbose=0)
    print(f"accuracy on {len(test)} sounds of other speakers: {(scores.argmax(1) == test_y).mean():.3f}")
    (HERE / "keyword.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    np.savez_compressed(HERE / "calibration.npz", x=compact(x[:50]))
    np.savez_compressed(HERE / "test.npz", x=compact(test[:80]), y=test_y[:80].astype(np.uint8))
    (HERE / "sounds").mkdir(exist_ok=True)
    for label, name in enumerate(CLASSES):
        if label >= 2:
            test_x[np.flatnonzero(test_y == label)[0]].tofile(HERE / "sounds" / f"{name}.raw")
    picture = Picture(720, 210)
    for k, name in enumerate(WORDS):
        shown = test[np.flatnonzero(test_y == k + 2)[0], ..., 0]
        picture.text(20 + 235 * k, 24, f"“{name}”")
        picture.map(20 + 235 * k, 34, 210, 150, shown.T[::-1])
    picture.text(
        20, 202, "One second each: 49 spectra of 20 bands, low frequencies at the bottom. What the network sees.", 12
    )
    picture.save(HERE / "picture.svg")


if __name__ == "__main__":
    main()
