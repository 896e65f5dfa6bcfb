"""Train a network that finds the leaf in a picture, pixel by pixel, with Keras, on pictures that are made up.

    python train.py     writes segmentation.tflite, calibration.npz, test.npz and picture.svg beside this file

Needs TensorFlow: pip install "edgeq[tensorflow]". The network is a small U-Net: down to a quarter, and up again beside
what it saw on the way down. Its input is bytes of an RGB camera, its output for each pixel how sure it is.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pictures import Picture  # noqa: E402

SIDE = 32


def scenes(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (count, SIDE, SIDE, 3) of bytes, and which of their pixels are leaf (count, SIDE, SIDE)."""
    y, x = np.mgrid[0:SIDE, 0:SIDE][:, None]

    def draw(low: float, high: float) -> np.ndarray:
        return rng.uniform(low, high, (count, 1, 1))

    angle = draw(0, np.pi)
    dx, dy = x - draw(8, SIDE - 8), y - draw(8, SIDE - 8)
    along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    length = draw(7, 13)
    leaf = (np.abs(across) < 0.45 * length * (1 - (along / length) ** 2)) & (np.abs(along) < length)
    ground = np.stack([draw(90, 160), draw(70, 130), draw(50, 110)], -1) + 25 * rng.normal(size=(count, SIDE, SIDE, 1))
    green = np.stack([draw(20, 110), draw(90, 190), draw(10, 80)], -1) * np.ones((count, SIDE, SIDE, 1))
    vein = (np.abs(across) < 0.6)[..., None] * 30.0
    pebbles = (dx + 9) ** 2 + (dy - 7) ** 2 < draw(4, 20)  # as green as the leaf is, and round
    ground = np.where(pebbles[..., None], green * 0.9, ground)
    image = np.where(leaf[..., None], green + vein, ground) + 10 * rng.normal(size=(count, SIDE, SIDE, 3))
    return np.clip(image, 0, 255).astype(np.uint8), leaf


def main() -> None:
    """Train, tell how much of the leaves is found, write the files."""
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(6)
    (x, y), (test, truth) = scenes(1500, rng), scenes(100, rng)
    keras.utils.set_random_seed(1)
    layers = keras.layers

    def block(at, channels):
        return layers.Conv2D(channels, 3, padding="same", activation="relu")(at)

    image = keras.Input((SIDE, SIDE, 3), batch_size=1)
    fine = block(layers.Rescaling(1 / 255)(image), 8)
    middle = block(layers.MaxPooling2D()(fine), 12)
    coarse = block(layers.MaxPooling2D()(middle), 16)
    up = block(layers.Concatenate()([layers.UpSampling2D()(coarse), middle]), 12)
    up = block(layers.Concatenate()([layers.UpSampling2D()(up), fine]), 8)
    model = keras.Model(image, layers.Conv2D(1, 1, activation="sigmoid")(up))
    model.compile(keras.optimizers.Adam(4e-3), "binary_crossentropy")
    model.fit(x.astype(np.float32), y[..., None].astype(np.float32), 32, epochs=8, verbose=2)
    found = model.predict(test.astype(np.float32), verbose=0)[..., 0] > 0.5
    print(f"intersection over union: {(found & truth).sum() / (found | truth).sum():.3f}")
    (HERE / "segmentation.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    np.savez_compressed(HERE / "calibration.npz", x=x[:20])
    np.savez_compressed(HERE / "test.npz", x=test[:4])
    test[0].tofile(HERE / "image.rgb")
    picture = Picture(760, 134)
    for k in range(4):
        picture.map(20 + 185 * k, 14, 80, 80, test[k].mean(-1), "#222")
        picture.map(105 + 185 * k, 14, 80, 80, found[k].astype(float), "#2e7d32")
    picture.text(20, 122, "Pictures (here in gray), and the pixels that the network takes for leaf.", 12)
    picture.save(HERE / "picture.svg")


if __name__ == "__main__":
    main()
