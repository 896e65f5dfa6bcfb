"""Samples from images and from sound: files, or folders of them (docs/data.md).

Nothing here normalizes: pixels are numbers from 0 to 255, sound is numbers from −1 to 1.
"""

from __future__ import annotations

import wave
from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from types import ModuleType

import numpy as np

from edgeq.api.media_files import IMAGES, media_files
from edgeq.errors import ToolError, UsageError
from edgeq.ir.limits import SAMPLE_BYTES, size
from edgeq.ir.tensor import Array, Shape
from edgeq.warnings import warn

INSTALL = 'pip install "edgeq[images]"'
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""What Pillow calls pixels of so many channels."""
_SAMPLES: Mapping[int, tuple[str, int]] = {1: ("<u1", 128), 2: ("<i2", 0), 4: ("<i4", 0)}
"""Of sound with so many bytes per sample the type, and what silence is."""


def read_media(path: Path, shape: Shape, stateful: bool) -> dict[str, Array]:
    """Samples `x` for a model's only input, and labels `y` where files lie in folders named after classes.

    Args:
        path: an image or a sound, or a folder of them, possibly in folders of their own for each class.
        shape: of the input, in the model's own layout, batch first.
        stateful: whether samples are steps of sequences: each sound is one then.

    Returns:
        `x` as (samples, …), uint8 for images and float32 for sound; for a model with states (sequences, steps, …).

    Raises:
        UsageError: there are no such files, they cannot be read, or the input is not made for them.
        ToolError: Pillow is needed and absent.
    """
    files = media_files(path)
    if files[0].suffix.lower() in IMAGES:
        counts = [1] * len(files)
        samples = _images(files, shape, str(path))
    else:
        samples, counts = _sounds(files, shape, stateful, str(path))
    folders = sorted({file.parent.name for file in files})
    if path.is_file() or len(folders) < 2 or any(file.parent.parent != path for file in files):
        return {"x": samples}
    classes = [folders.index(file.parent.name) for file in files]
    return {"x": samples, "y": np.repeat(classes, counts)}


def _within_limits(count: int, shape: Shape, item: int, where: str) -> None:
    total = count * prod(shape[1:]) * item
    if total > SAMPLE_BYTES:
        hint = "a few hundred samples are enough"
        raise UsageError(f"its samples are {size(total)}; the limit is {size(SAMPLE_BYTES)}", hint=hint, where=where)


def _images(files: Sequence[Path], shape: Shape, where: str) -> Array:
    """Images as the input takes them, (images, height, width, channels) or whatever order it has; 0 to 255."""
    layout = _image_layout(shape)
    if layout is None:
        raise UsageError(
            f"the model takes {shape}, which are no images",
            hint="compute what it takes from them as in training, and store it in an .npz",
            where=where,
        )
    height, width, channels, first = layout
    _within_limits(len(files), shape, 1, where)
    pillow = _pillow(where)
    samples = np.empty((len(files), height, width, channels), np.uint8)
    resized = 0
    for index, file in enumerate(files):
        try:
            with pillow.open(file) as image:
                pixels = image.convert(_MODES[channels])
                if pixels.size != (width, height):
                    resized += 1
                    pixels = pixels.resize((width, height), pillow.Resampling.BILINEAR)
                samples[index] = np.asarray(pixels, np.uint8).reshape(height, width, channels)
        except Exception as error:  # Pillow's readers raise whatever a damaged file makes them raise
            raise UsageError(f"cannot be read as an image ({error})", where=str(file)) from error
    if resized:
        what = f"{resized} of {len(files)} images are" if len(files) > 1 else "the image is"
        hint = "give images of that size, cut and resized as in training"
        warn(f"{what} not {width} × {height} pixels, and resized", hint=hint, where=where, strict=UsageError)
    if len(shape) == 3:
        return samples[..., 0]
    return samples.transpose(0, 3, 1, 2) if first else samples


def _image_layout(shape: Shape) -> tuple[int, int, int, bool] | None:
    """Height, width, channels of an input, and whether the channels come first; None if it takes no images."""
    if len(shape) == 3:
        return (*shape[1:], 1, False)
    if len(shape) != 4:
        return None
    if shape[3] in _MODES and not (shape[1] in _MODES and shape[2] == shape[3]):
        return (*shape[1:], False)
    return (shape[2], shape[3], shape[1], True) if shape[1] in _MODES else None


def _pillow(where: str) -> ModuleType:
    try:
        from PIL import Image
    except ImportError as error:
        raise ToolError("reading images needs Pillow, which is not installed", hint=INSTALL, where=where) from error
    return Image


def _sounds(files: Sequence[Path], shape: Shape, stateful: bool, where: str) -> tuple[Array, list[int]]:
    """Sounds as the input takes them, and how many samples each file gives: as many as it has whole windows."""
    if sum(d > 1 for d in shape[1:]) > 1:
        raise UsageError(
            f"the model takes {shape}, which is no sound",
            hint="compute what it takes from the sound as in training, and store it in an .npz",
            where=where,
        )
    length = prod(shape[1:]) * (shape[0] if stateful and shape else 1)
    read = [_sound(file) for file in files]
    rates = Counter(rate for _, rate in read)
    if len(rates) > 1:
        listed = ", ".join(f"{rate:,} Hz" for rate in sorted(rates))
        raise UsageError(f"the sounds are sampled at different rates: {listed}", hint="resample them", where=where)
    windows = [max(1, len(sound) // length) for sound, _ in read]
    short = sum(len(sound) < length for sound, _ in read)
    if short:
        what = f"{short} of {len(files)} sounds are" if len(files) > 1 else "the sound is"
        hint = f"the model takes {length:,} samples"
        warn(f"{what} shorter than a window, and filled with silence", hint=hint, where=where, strict=UsageError)
    if stateful:  # sequences have one length
        windows = [min(windows)] * len(windows)
    _within_limits(sum(windows), shape, 4, where)
    rows = [
        np.pad(sound[: count * length], (0, max(0, count * length - len(sound)))).reshape(-1, *shape[1:])
        for (sound, _), count in zip(read, windows, strict=True)
    ]
    return (np.stack(rows), [1] * len(rows)) if stateful else (np.concatenate(rows), windows)


def _sound(file: Path) -> tuple[Array, int]:
    """A sound as numbers from −1 to 1, the mean of its channels, and its sampling rate."""
    try:
        with wave.open(str(file)) as sound:
            raw = np.frombuffer(sound.readframes(sound.getnframes()), np.uint8)
            bytes_each, channels, rate = sound.getsampwidth(), sound.getnchannels(), sound.getframerate()
    except (wave.Error, EOFError, OSError) as error:
        hint = "convert it to PCM: 8, 16, 24 or 32 bits"
        raise UsageError(f"cannot be read as sound ({error})", hint=hint, where=str(file)) from error
    raw = raw[: len(raw) // (bytes_each * channels) * bytes_each * channels]
    if bytes_each == 3:  # into the upper bytes of 32 bits
        raw = np.pad(raw.reshape(-1, 3), ((0, 0), (1, 0))).reshape(-1)
        bytes_each = 4
    kind, silence = _SAMPLES[bytes_each]
    values = (raw.view(kind).astype(np.float64) - silence) / (1 << (8 * bytes_each - 1))
    return values.reshape(-1, channels).mean(axis=1).astype(np.float32), rate
