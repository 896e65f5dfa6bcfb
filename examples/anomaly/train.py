"""Train an autoencoder that knows how a machine sounds when it is well, with Keras, on vibrations that are made up.

    python train.py     writes anomaly.tflite, calibration.npz, test.npz, app/recording.h and picture.svg

Needs TensorFlow: pip install "edgeq[tensorflow]". It is trained on the healthy machine alone: faults need not be known.
What it cannot restore is unusual.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from pictures import Picture  # noqa: E402

BANDS = 32
"""Of a spectrum, up to 1 kHz: the loudness of each, as a logarithm."""


def spectra(count: int, rng: np.random.Generator, fault: str = "") -> np.ndarray:
    """Spectra (count, BANDS) of a motor at changing speed and load, with a fault of the bearing or of the balance."""
    speed, load = rng.uniform(0.8, 1.2, (count, 1)), rng.uniform(0.3, 1.0, (count, 1))
    bands = np.arange(BANDS)

    def line(at: np.ndarray | float, height: np.ndarray | float) -> np.ndarray:
        return height * np.exp(-0.5 * ((bands - at) / 0.8) ** 2)

    power = 0.02 + 0.05 * load / (1 + 0.2 * bands)
    for harmonic in (1, 2, 3, 4):
        power = power + line(4 * harmonic * speed, (0.4 + 0.6 * load) / harmonic)
    if fault == "bearing":  # rings high up, the more so under load
        power = power + line(22 * speed, 0.2 + 0.4 * load) + line(26 * speed, 0.1 + 0.3 * load)
    if fault == "balance":  # shakes at the speed itself
        power = power + line(4 * speed, 6.0)
    return np.log10(power * np.exp(0.06 * rng.normal(size=power.shape))).astype(np.float32)


def main() -> None:
    """Train, tell what is found, write the files."""
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(4)
    x, healthy = spectra(6000, rng), spectra(500, rng)
    keras.utils.set_random_seed(1)
    sizes = (24, 6, 24)
    net = [keras.Input((BANDS,), batch_size=1), *(keras.layers.Dense(n, activation="relu") for n in sizes)]
    model = keras.Sequential([*net, keras.layers.Dense(BANDS)])
    model.compile(keras.optimizers.Adam(3e-3), "mse")
    model.fit(x, x, 64, epochs=25, verbose=2)

    def errors(samples: np.ndarray) -> np.ndarray:
        return ((model.predict(samples, verbose=0) - samples) ** 2).mean(1)

    limit = float(1.2 * errors(healthy).max())
    faults = {name: spectra(300, rng, name) for name in ("bearing", "balance")}
    for name, samples in faults.items():
        print(f"{name}: {(errors(samples) > limit).mean():.1%} found, with no false alarm in {len(healthy)}")
    (HERE / "anomaly.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    np.savez_compressed(HERE / "calibration.npz", x=x[:200])
    np.savez_compressed(HERE / "test.npz", x=healthy[:100])
    played = np.concatenate([healthy[:12], faults["bearing"][:4], healthy[12:16], faults["balance"][:4]])
    (HERE / "app").mkdir(exist_ok=True)
    rows = ",\n".join("    {" + ", ".join(f"{v:.4f}f" for v in row) + "}" for row in played)
    (HERE / "app" / "recording.h").write_text(
        f"/* By train.py: the error above which a spectrum is unusual, and spectra to try it with. */\n"
        f"static const float limit = {limit:.5f}f;\nenum {{ RECORDED = {len(played)} }};\n"
        f"static const float recording[RECORDED][{BANDS}] = {{\n{rows},\n}};\n",
        encoding="utf-8",
    )
    picture = Picture(760, 240)
    shown = np.concatenate([healthy[:120], faults["bearing"][:60], healthy[120:240], faults["balance"][:60]])
    worst = 3 * limit
    picture.lines(20, 30, 720, 170, [errors(shown)], 0, worst)
    picture.level(20, 30 + 170 * (1 - limit / worst), 720, "limit")
    for at, name in ((0, "well"), (120, "bearing worn"), (180, "well"), (300, "out of balance")):
        picture.text(24 + 2 * at, 22, name, 12, "#00796b" if name == "well" else "#c62828")
    picture.text(20, 226, "What the autoencoder cannot restore of each spectrum, one after the other.", 12)
    picture.save(HERE / "picture.svg")


if __name__ == "__main__":
    main()
