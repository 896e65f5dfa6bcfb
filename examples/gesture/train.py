"""Train a network that tells gestures apart by an accelerometer, with Keras, on movements that are made up.

    python train.py     writes gesture.tflite, calibration.npz, test.npz, app/recording.h and picture.svg here

Needs TensorFlow: pip install "edgeq[tensorflow]". The sensor gives three axes, 50 times a second, in steps of 1/4096 g
(±8 g in 16 bits); the network sees two seconds, in g.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pictures import Picture  # noqa: E402

CLASSES = ("still", "shake", "circle", "knock")
RATE, WINDOW, COUNTS = 50, 100, 4096


def turned(rng: np.random.Generator) -> np.ndarray:
    """How the device is held: a rotation by a moderate angle about any axis."""
    axis, angle = rng.normal(size=3), rng.normal() * 0.5
    x, y, z = axis / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def movement(label: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Acceleration (count, 3) in g, as the sensor counts it."""
    t = np.arange(count) / RATE
    a = np.zeros((count, 3))
    if label == 1:  # to and fro along one axis
        a[:, 0] = rng.uniform(0.7, 2.0) * np.sin(2 * np.pi * rng.uniform(3, 6) * t + rng.uniform(0, 6))
    if label == 2:  # a circle in the air: two axes, a quarter of a turn apart
        angle = 2 * np.pi * rng.uniform(0.8, 1.8) * t * rng.choice([-1, 1]) + rng.uniform(0, 6)
        a[:, :2] = rng.uniform(0.5, 1.2) * np.stack([np.cos(angle), np.sin(angle)], 1)
    if label == 3:  # two or three short blows in a row
        for start in rng.uniform(0, 0.3) + np.arange(0, count / RATE, rng.uniform(0.5, 0.7)):
            since = t - start
            blow = np.exp(-since / 0.05) * np.sin(2 * np.pi * rng.uniform(9, 12) * since)
            a[:, 2] += rng.uniform(1.2, 2.5) * np.where(since > 0, blow, 0)
    sway = 0.05 * np.sin(2 * np.pi * rng.uniform(0.1, 0.6) * t[:, None] + rng.uniform(0, 6, 3))
    a = (a + sway + [0, 0, 1]) @ turned(rng) + 0.02 * rng.normal(size=a.shape)
    return np.clip(np.rint(a * COUNTS), -32768, 32767) / COUNTS


def data(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Windows (count, WINDOW, 3), and their classes."""
    labels = rng.integers(0, len(CLASSES), count)
    return np.stack([movement(label, WINDOW, rng) for label in labels]).astype(np.float32), labels


def main() -> None:
    """Train, tell the accuracy, write the files."""
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(2)
    (x, y), (test, truth) = data(2400, rng), data(300, rng)
    keras.utils.set_random_seed(1)
    net = [keras.Input(x.shape[1:], batch_size=1)]
    for channels in (12, 16, 24):
        net.append(keras.layers.Conv1D(channels, 5, strides=2, activation="relu"))
    net += [keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(len(CLASSES), activation="softmax")]
    model = keras.Sequential(net)
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, 32, epochs=15, verbose=2)
    found = model.predict(test, batch_size=1, verbose=0).argmax(1)
    print(f"accuracy on {len(test)} other movements: {(found == truth).mean():.3f}")
    (HERE / "gesture.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    np.savez_compressed(HERE / "calibration.npz", x=x[:60])
    np.savez_compressed(HERE / "test.npz", x=test[:60], y=truth[:60].astype(np.uint8))

    played = np.concatenate([movement(label, 2 * RATE + WINDOW, rng) for label in (0, 2, 3, 1)])
    counts = np.rint(played * COUNTS).astype(int)
    rows = ",\n".join("    {" + ", ".join(map(str, row)) + "}" for row in counts)
    (HERE / "app" / "recording.h").write_text(
        "/* What a sensor gave, in counts of 1/4096 g: by train.py. */\n"
        f"enum {{ RECORDED = {len(counts)} }};\nstatic const int16_t recording[RECORDED][3] = {{\n{rows},\n}};\n",
        encoding="utf-8",
    )
    picture = Picture(760, 210)
    for k, name in enumerate(CLASSES):
        picture.text(20 + 185 * k, 24, name)
        picture.lines(20 + 185 * k, 34, 165, 140, list(test[np.flatnonzero(truth == k)[0]].T), -3, 3)
    picture.text(20, 198, "Two seconds of each, three axes, from −3 g to 3 g.", 12)
    picture.save(HERE / "picture.svg")


if __name__ == "__main__":
    main()
