"""A compiled model, called from Python.

This file needs NumPy alone: packages that `edgeq build --emit python` writes carry a copy of it.
"""

from __future__ import annotations

import ctypes
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_ALIGNMENT = 64
_ALL = 1 << 16
_LARGE = 1 << 14
"""Bytes of inputs or outputs from which copying them takes longer than finding out where an array lies."""


class _Memory(threading.local):
    """What each thread has of its own: an arena, and room for the outputs of one inference.

    Attributes:
        slot: pointers to the pool, if there is one, arena and states; pointers to the outputs; the outputs.
    """

    def __init__(
        self, arena_bytes: int, pool: tuple[int, ...], state: tuple[int, ...], outputs: Sequence[_Port]
    ) -> None:
        self.block = np.empty(arena_bytes + _ALIGNMENT, np.uint8)
        arrays = tuple(np.empty(port.shape, port.dtype) for port in outputs)
        self.arena = _aligned(self.block)
        self.slot = (*pool, self.arena, *state), tuple(array.ctypes.data for array in arrays), arrays


class _Port:
    """An input or output: shape and element type of one inference, and what its integers mean."""

    def __init__(self, about: Mapping[str, Any], perm: Sequence[int] | None) -> None:
        self.name = str(about["name"])
        self.shape = tuple(int(size) for size in about["shape"])
        self.dtype = np.dtype(str(about["dtype"]))
        self.scale = about["scale"]
        self.zero_point = about["zero_point"]
        self.raw = about.get("raw")
        self.perm = tuple(perm) if perm is not None else None
        self.batch = self.shape[0] if self.shape else 1
        self.bytes = int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @property
    def own(self) -> tuple[int, ...]:
        """The shape in the model's own layout."""
        return self.shape if self.perm is None else tuple(self.shape[k] for k in np.argsort(self.perm))

    def elements(self, x: npt.ArrayLike) -> Array:
        """Real values, samples first, as the elements that the program takes."""
        values = np.asarray(x)
        if values.dtype.kind not in "fiub":
            raise TypeError(f"{self.name}: {values.dtype} is no type of real numbers")
        own = self.own
        if values.ndim == 0 or values.shape[1:] != own[1:] or not len(values) or len(values) % self.batch:
            rest = "".join(f", {size}" for size in own[1:])
            count = "samples" if self.batch == 1 else f"samples, a multiple of {self.batch}"
            raise ValueError(f"{self.name}: shape {values.shape} in place of ({count}{rest})")
        if self.perm is not None:
            values = values.transpose(self.perm)
        if self.dtype.kind == "b":
            return np.ascontiguousarray(values != 0)
        if self.is_whole:
            return self._whole(values)
        if self.raw is not None:
            values = self._seen(values)
        real = values.astype(np.float32)
        if self.dtype.kind == "f":
            return np.ascontiguousarray(real)
        if not np.isfinite(real).all():
            raise ValueError(f"{self.name}: holds values that are NaN, infinite or too large")
        steps = np.rint(real / np.float32(self.scale)) + np.float32(self.zero_point)
        limits = np.iinfo(self.dtype)
        return np.ascontiguousarray(np.clip(steps, limits.min, limits.max).astype(self.dtype))

    @property
    def is_whole(self) -> bool:
        """Whether elements are whole numbers that stand for themselves, such as classes and indices."""
        return self.scale is None and self.dtype.kind == "i"

    def _whole(self, values: Array) -> Array:
        """Whole numbers as they are."""
        limits = np.iinfo(self.dtype)
        if not np.all((values >= limits.min) & (values <= limits.max) & (values == np.rint(values))):
            raise ValueError(f"{self.name}: takes whole numbers from {limits.min} to {limits.max}")
        return np.ascontiguousarray(values.astype(self.dtype))

    def _seen(self, values: Array) -> Array:
        """Raw bytes of a sensor (integers), or what the network sees of them (real numbers), as values of the input."""
        assert self.raw is not None
        if values.dtype.kind not in "iu":
            sizes = [-1 if axis == self.raw["axis"] else 1 for axis in range(values.ndim)]
            offset, gain = (np.asarray(self.raw[key], np.float64).reshape(sizes) for key in ("offset", "gain"))
            values = (values - offset) / gain
        return np.asarray((values.astype(np.float64) - 128.0 - self.raw["zero_point"]) * self.raw["scale"], np.float32)

    def real(self, elements: Array) -> Array:
        """Elements of an output, samples first, as real values in the model's own layout.

        Truth values and whole numbers are what they are.
        """
        if self.perm is not None:
            elements = elements.transpose(np.argsort(self.perm))
        if self.scale is None or self.dtype.kind == "b":
            return elements
        return np.asarray((elements.astype(np.float64) - self.zero_point) * self.scale, np.float32)


class CompiledModel:
    """A model in a shared library.

    Several threads may call one object at the same time: each has an arena of its own, and Python's lock is free while
    the model runs. Only `run_raw` of a model with states is for one thread at a time: the object keeps them.

    Args:
        library: the shared library.
        about: `name`, `arena_bytes`, `state_bytes`, `layouts`, `inputs` and `outputs`, each with `name`, `shape`,
            `dtype`, `scale`, `zero_point`: as in the manifest of a build folder; and `threads`.
        threads: how many share the work of a run; by default, and at most, as many as the model was built for.

    Attributes:
        name: the model's name.
        inputs, outputs: for each, in the model's order, `name`, `shape`, `dtype`, `scale`, `zero_point`; real =
            scale * (integer - zero_point).

    Raises:
        OSError: the library cannot be loaded on this machine.
    """

    def __init__(self, library: str | Path, about: Mapping[str, Any], threads: int | None = None) -> None:
        layouts = about.get("layouts") or {}
        self.name = str(about["name"])
        self.inputs: tuple[Mapping[str, Any], ...] = tuple(about["inputs"])
        self.outputs: tuple[Mapping[str, Any], ...] = tuple(about["outputs"])
        self._ins, self._outs = (
            tuple(_Port(port, layouts.get(port["name"])) for port in ports) for ports in (self.inputs, self.outputs)
        )
        self._wanted = [(port.shape, port.dtype) for port in self._ins]
        self._arena_bytes, self._state_bytes = int(about["arena_bytes"]), int(about["state_bytes"])
        self._library = ctypes.CDLL(str(library))
        self._pool = self._threads(min(int(about.get("threads", 1)), threads or _ALL))
        self._call: Callable[..., int] = self._function(
            "run_with" if self._pool else "run",
            len(self._pool) + bool(self._state_bytes) + len(self._ins) + len(self._outs),
        )
        self._small = max(sum(port.bytes for port in side) for side in (self._ins, self._outs)) < _LARGE
        self._single = len(self._outs) == 1
        self._state: tuple[int, ...] = ()
        if self._state_bytes:
            self._begin = self._function("reset", 0)
            self._block = np.empty(self._state_bytes + _ALIGNMENT, np.uint8)
            self._state = (_aligned(self._block),)
            self.reset()
        self._memory = _Memory(self._arena_bytes, self._pool, self._state, self._outs)

    def _threads(self, count: int) -> tuple[int, ...]:
        """The address of a pool of threads, which lives as long as this object; nothing for one thread."""
        if count < 2:
            return ()
        start, stop = (getattr(self._library, f"{self.name}_pool_{what}") for what in ("start", "stop"))
        start.argtypes, start.restype = [ctypes.c_void_p, ctypes.c_int], ctypes.c_void_p
        stop.argtypes, stop.restype = [ctypes.c_void_p], None
        block = np.empty(_pool_bytes(count) + _ALIGNMENT, np.uint8)
        pool = start(_aligned(block), count)
        weakref.finalize(self, _stop, stop, pool, block)
        return (pool,)

    def _function(self, name: str, pointers: int) -> Any:
        function = getattr(self._library, f"{self.name}_{name}")
        function.argtypes = [ctypes.c_void_p] * (pointers + 1)
        return function

    def __repr__(self) -> str:
        ports = [", ".join(f"{port.name} {port.shape}" for port in side) for side in (self._ins, self._outs)]
        return f"<CompiledModel {self.name}: {ports[0]} -> {ports[1]}>"

    def reset(self) -> None:
        """Begin a sequence of a model with states: the next `run_raw` is its first step."""
        if self._state:
            self._begin(self._state[0])

    def run_raw(self, *arrays: Array, out: Array | Sequence[Array] | None = None) -> Any:
        """One inference, in the elements of inputs and outputs.

        Large arrays, and those of `out`, are read and written where they are.

        Args:
            arrays: for each input a contiguous array of its shape and type, as `inputs` says.
            out: arrays for the outputs, likewise; by default new ones.

        Returns:
            The output's array, or a tuple of arrays if there are several outputs.

        Raises:
            TypeError: another number of arrays.
            ValueError: an array of another shape or type, or one that is not contiguous.
        """
        if [(array.shape, array.dtype) for array in arrays] != self._wanted:
            raise self._refusal(arrays)
        if out is None and self._small:
            before, after, outputs = self._memory.slot
            if self._call(*before, *[array.tobytes() for array in arrays], *after):
                raise self._failure()
            return outputs[0].copy() if self._single else tuple([array.copy() for array in outputs])
        results = self._room(out)
        inputs = [_pointer(array) for array in arrays]
        if self._call(*self._memory.slot[0], *inputs, *map(_pointer, results)):
            raise self._failure()
        return results[0] if self._single else results

    def _refusal(self, arrays: Sequence[Array]) -> Exception:
        """What is wrong with arrays that do not fit the inputs."""
        if len(arrays) != len(self._wanted):
            return TypeError(f"{self.name} takes {len(self._wanted)} arrays, not {len(arrays)}")
        told = [", ".join(f"{dtype} {shape}" for shape, dtype in side) for side in (self._wanted, _kinds(arrays))]
        return ValueError(f"{self.name} takes {told[0]}, not {told[1]}")

    def _failure(self) -> Exception:
        return RuntimeError(f"{self.name}_run refuses its memory")

    def _room(self, out: Array | Sequence[Array] | None) -> tuple[Array, ...]:
        """Arrays for the outputs of one inference: those that were given, or new ones."""
        if out is None:
            return tuple(np.empty(port.shape, port.dtype) for port in self._outs)
        given = (out,) if isinstance(out, np.ndarray) else tuple(out)
        if len(given) != len(self._outs):
            raise TypeError(f"{self.name} has {len(self._outs)} outputs, not {len(given)}")
        for array, port in zip(given, self._outs):  # noqa: B905
            if array.shape != port.shape or array.dtype != port.dtype or not array.flags.writeable:
                raise ValueError(f"{self.name} gives {port.dtype} {port.shape}, not {array.dtype} {array.shape}")
        return given

    def predict(self, *samples: npt.ArrayLike) -> Any:
        """The outputs for real values, of any number of samples.

        For a model with states, samples are the steps of a sequence, which begins with a reset; arrays with one more
        leading dimension, (sequences, steps, …), are several.

        Args:
            samples: for each input an array, samples first, in the model's own layout.

        Returns:
            Real values, samples first, in the model's own layout: an array, or a tuple of arrays if there are several
            outputs. Of truth values it is an array of bool, of whole numbers, such as classes, one of int32.

        Raises:
            TypeError: another number of arrays, or arrays that hold no numbers.
            ValueError: an array of another shape, or with NaN.
        """
        if len(samples) != len(self._ins):
            names = ", ".join(port.name for port in self._ins)
            raise TypeError(f"{self.name} takes {len(self._ins)} arrays ({names}), not {len(samples)}")
        arrays = [np.asarray(x) for x in samples]
        sequences: int | None = None
        if self._state_bytes and arrays and arrays[0].ndim == len(self._ins[0].shape) + 1:
            sequences = len(arrays[0])
            arrays = [array.reshape(-1, *array.shape[2:]) for array in arrays]
        inputs = [port.elements(array) for port, array in zip(self._ins, arrays)]  # noqa: B905
        counts = {len(array) // port.batch for array, port in zip(inputs, self._ins)}  # noqa: B905
        if len(counts) > 1:
            raise ValueError(f"the inputs have different numbers of samples: {sorted(counts)}")
        (count,) = counts or {1}
        outputs = [np.empty((count * port.batch, *port.shape[1:]), port.dtype) for port in self._outs]
        self._run_all(count, count // (sequences or 1), inputs, outputs)
        real = [port.real(array) for port, array in zip(self._outs, outputs)]  # noqa: B905
        if sequences is not None:
            real = [array.reshape(sequences, len(array) // sequences, *array.shape[1:]) for array in real]
        return real[0] if len(real) == 1 else tuple(real)

    def _run_all(self, count: int, steps: int, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
        """Run the model `count` times on consecutive parts of arrays; after each `steps` of them begin a sequence."""
        before = (*self._pool, self._memory.arena)
        block = np.empty(self._state_bytes + _ALIGNMENT, np.uint8)
        state = (_aligned(block),) if self._state_bytes else ()
        pointers = [_pointer(array) for array in (*inputs, *outputs)]
        sizes = [port.bytes for port in (*self._ins, *self._outs)]
        for index in range(count):
            if state and index % steps == 0:
                self._begin(state[0])
            if self._call(*before, *state, *pointers):
                raise self._failure()
            pointers = [pointer + size for pointer, size in zip(pointers, sizes)]  # noqa: B905


def _pool_bytes(threads: int) -> int:
    """Memory of a pool of threads, as the model's header says."""
    return 1024 + 8 * threads


def _stop(stop: Callable[[int], None], pool: int, block: Array) -> None:
    """Stop a pool whose memory a block is, which is there until then."""
    stop(pool)
    del block


def _aligned(block: Array) -> int:
    """The first address in a block that the model can take for its memory."""
    return -(-int(block.ctypes.data) // _ALIGNMENT) * _ALIGNMENT


def _kinds(arrays: Sequence[Array]) -> list[tuple[tuple[int, ...], np.dtype[Any]]]:
    return [(array.shape, array.dtype) for array in arrays]


def _pointer(array: Array) -> int:
    if not array.flags.c_contiguous:
        raise ValueError(f"an array of shape {array.shape} is not contiguous: numpy.ascontiguousarray makes it so")
    return int(array.ctypes.data)
