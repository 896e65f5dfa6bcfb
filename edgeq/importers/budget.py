"""What the import of one model has used of what it may use (`edgeq.ir.limits`)."""

from __future__ import annotations

import time
from math import prod

from edgeq.errors import ModelError
from edgeq.ir import limits
from edgeq.ir.limits import size
from edgeq.ir.tensor import Array, Shape


class LimitError(ModelError):
    """A model that is larger than edgeq reads. There is no point in going on with its other nodes."""


class Budget:
    """Counts what an import uses, and ends it when that becomes too much. Each says which limit it is."""

    def __init__(self) -> None:
        self._nodes = 0
        self._stored = 0
        self._folded = 0
        self._until = time.monotonic() + limits.SECONDS

    def nodes(self, count: int, nbytes: int = 0) -> None:
        """Count nodes that were read or have taken the place of others, and their bytes.

        Raises:
            LimitError: there are too many, or they are too large.
        """
        self._nodes += count
        if self._nodes > limits.NODES:
            raise LimitError(
                f"the model has {self._nodes:,} nodes or more; the limit is {limits.NODES:,}",
                hint="the file is damaged, or far too large for a microcontroller",
            )
        self.stored(nbytes)
        self.pause()

    def stored(self, nbytes: int) -> None:
        """Count bytes of constants that a file stores.

        Raises:
            LimitError: there are too many.
        """
        self._stored += nbytes
        if self._stored > limits.STORED_BYTES:
            raise LimitError(
                f"the model stores {size(self._stored)} or more; the limit is {size(limits.STORED_BYTES)}",
                hint="the file is damaged, or far too large for a microcontroller",
            )

    def room(self, shape: Shape, itemsize: int = 8) -> None:
        """Make sure, before a constant is computed, that there is room for it.

        Raises:
            ModelError: it would have a negative dimension.
            LimitError: constants that are computed would take too much.
        """
        if any(d < 0 for d in shape):
            raise ModelError(f"a constant would have the shape {shape}", hint="export the model again")
        wanted = self._folded + prod(int(d) for d in shape) * itemsize
        if wanted > limits.FOLDED_BYTES:
            raise LimitError(
                f"constants that are computed while the model is read would take {size(wanted)} or more; "
                f"the limit is {size(limits.FOLDED_BYTES)}",
                hint="store the tensors as they are used, without Expand, Tile, ConstantOfShape and the like",
            )

    def folded(self, data: Array) -> None:
        """Count a constant that was computed."""
        self.room(data.shape, data.dtype.itemsize)
        self._folded += data.nbytes

    def pause(self) -> None:
        """Look at the clock.

        Raises:
            LimitError: the import takes too long.
        """
        if time.monotonic() > self._until:
            raise LimitError(
                f"reading the model takes longer than {limits.SECONDS:g} s",
                hint="it is far too large for a microcontroller: take a smaller one, or export it again",
            )
