"""Train a small transformer whose vectors of sentences with one meaning are near each other, with Keras.

    python train.py     writes sentences.tflite, calibration.npz, test.npz, app/known.h and picture.svg beside this file

Needs TensorFlow: pip install "edgeq[tensorflow]". Sentences are made by a grammar (phrases.py): of each meaning one way
to say it is left out of the training, and is what the test says.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]

from phrases import LENGTH, MEANINGS, ROOMS, say, tokens, vocabulary  # noqa: E402
from pictures import Picture  # noqa: E402

WIDTH, HEADS, LAYERS, VECTOR = 64, 4, 2, 32
STEPS, TEMPERATURE = 500, 0.1
WAYS = [(meaning, room) for meaning in MEANINGS for room in ROOMS]


def network(batch: int | None = None):
    """Embedding, encoder layers (attention that sees no padding, two dense layers), mean over words, a unit vector."""
    import keras
    import tensorflow as tf
    from keras import layers, ops

    class Table(layers.Layer):
        """A row for each word and one for each place; unlike keras.layers.Embedding, numbers are never negative."""

        def build(self, shape):
            self.words = self.add_weight((len(vocabulary()), WIDTH), "uniform")
            self.places = self.add_weight((LENGTH, WIDTH), "uniform")

        def call(self, ids):
            return tf.gather(self.words, ids) + self.places

    keras.utils.set_random_seed(1)
    ids = keras.Input((LENGTH,), batch_size=batch, dtype="int32", name="words")
    there = ops.minimum(ops.cast(ids, "float32"), 1.0)  # PAD is 0
    x = Table()(ids)
    unseen = ops.reshape((there - 1.0) * 30.0, (-1, 1, 1, LENGTH))
    for _ in range(LAYERS):
        heads = [layers.Dense(WIDTH)(x) for _ in range(3)]
        q, k, v = (ops.transpose(ops.reshape(h, (-1, LENGTH, HEADS, WIDTH // HEADS)), (0, 2, 1, 3)) for h in heads)
        scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2))) * (WIDTH // HEADS) ** -0.5
        seen = ops.matmul(ops.softmax(scores + unseen), v)
        seen = ops.reshape(ops.transpose(seen, (0, 2, 1, 3)), (-1, LENGTH, WIDTH))
        x = layers.LayerNormalization()(x + layers.Dense(WIDTH)(seen))
        x = layers.LayerNormalization()(x + layers.Dense(WIDTH)(layers.Dense(2 * WIDTH, activation="gelu")(x)))
    weight = ops.expand_dims(there, -1)
    x = layers.Dense(VECTOR)(ops.sum(x * weight, axis=1) / ops.sum(weight, axis=1))
    return keras.Model(ids, x / ops.sqrt(ops.sum(x * x, axis=-1, keepdims=True)), name="sentences")


def train(model, rng: np.random.Generator) -> None:
    """Two ways to say each of all meanings: each shall be nearest to the other (InfoNCE, van den Oord et al. 2018)."""
    import tensorflow as tf

    rate = tf.keras.optimizers.schedules.CosineDecay(2e-3, STEPS)
    optimizer = tf.keras.optimizers.Adam(rate)

    @tf.function
    def step(first, second):
        with tf.GradientTape() as tape:
            alike = tf.matmul(model(first), model(second), transpose_b=True) / TEMPERATURE
            same = tf.range(tf.shape(alike)[0])
            losses = [tf.nn.sparse_softmax_cross_entropy_with_logits(same, a) for a in (alike, tf.transpose(alike))]
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    for k in range(STEPS):
        first, second = (tokens([say(*way, rng, left_out=0) for way in WAYS]) for _ in range(2))
        loss = step(first, second)
        if k % 100 == 99:
            print(f"step {k + 1}: loss {float(loss):.3f}")


def header(centres: np.ndarray) -> str:
    """known.h: words, rooms, what is meant, and the vector of each meaning in each room in 127ths."""
    vectors = ",\n".join(
        f"    {{{', '.join(map(str, row))}}} /* {meaning}, {room} */"
        for (meaning, room), row in zip(WAYS, np.rint(centres * 127).astype(int), strict=True)
    )

    def texts(words) -> str:
        return ", ".join(f'"{word}"' for word in words)

    return f"""/* By train.py: the words that the network knows, and vectors of what can be meant. */
/* clang-format off */
#include <stdint.h>

enum {{ LENGTH = {LENGTH}, VECTOR = {VECTOR}, WORDS = {len(vocabulary())}, ROOMS = {len(ROOMS)}, WAYS = {len(WAYS)} }};
static const char *const words[WORDS] = {{{texts(vocabulary())}}};
static const char *const meanings[WAYS / ROOMS] = {{{texts(MEANINGS)}}};
static const char *const rooms[ROOMS] = {{{texts(ROOMS)}}};
static const int8_t known[WAYS][VECTOR] = {{
{vectors},
}};
"""


def draw(asked: np.ndarray, centres: np.ndarray) -> Picture:
    """How near the test's sentences are to what can be meant."""
    picture = Picture(720, 400)
    picture.text(20, 24, "Cosine of each sentence of the test (rows) and each meaning in each room (columns)")
    picture.map(110, 60, 320, 320, np.maximum(asked @ centres.T, 0))
    for k, meaning in enumerate(MEANINGS):
        picture.text(104, 84 + 40 * k, meaning, 11, anchor="end")
        picture.text(450, 84 + 40 * k, f"“{MEANINGS[meaning][0].format(room=ROOMS[k % len(ROOMS)])}”", 11)
    picture.text(110, 52, "five rooms for each meaning: kitchen, bedroom, bathroom, garage, hall", 11)
    return picture


def main() -> None:
    """Train, tell how many sentences of the test find their meaning, write the files."""
    import tensorflow as tf

    rng = np.random.default_rng(2)
    model = network()
    train(model, rng)
    known = [[phrase.format(room=room) for phrase in MEANINGS[meaning][1:]] for meaning, room in WAYS]
    asked = [MEANINGS[meaning][0].format(room=room) for meaning, room in WAYS]
    centres = np.stack([model.predict(tokens(texts), verbose=0).mean(axis=0) for texts in known])
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    vectors = model.predict(tokens(asked), verbose=0)
    right = (vectors @ centres.T).argmax(1) == np.arange(len(WAYS))
    print(f"{len(vocabulary())} words, {model.count_params():,} weights; {right.sum()} of {len(WAYS)} are understood")
    one = network(batch=1)
    one.set_weights(model.get_weights())
    (HERE / "sentences.tflite").write_bytes(tf.lite.TFLiteConverter.from_keras_model(one).convert())
    samples = [say(*way, rng, left_out=0) for way in WAYS for _ in range(3)]
    np.savez_compressed(HERE / "calibration.npz", x=tokens(samples))
    np.savez_compressed(HERE / "test.npz", x=tokens(asked))
    (HERE / "app").mkdir(exist_ok=True)
    (HERE / "app" / "known.h").write_text(header(centres), "utf-8")
    draw(vectors, centres).save(HERE / "picture.svg")


if __name__ == "__main__":
    main()
