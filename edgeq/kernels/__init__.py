"""How instruction sets compute operators: a folder for each, with the rows of its kernels and the packing of weights.

An operator's own file defines its meaning and its portable kernels. Sets know nothing of one another; what several
share is in `_shared`. To add a set: its folder with a table `ROWS`, and a line in `SETS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from edgeq.ir.kernel import Kernel
from edgeq.ir.op import Op, registry
from edgeq.kernels import cmsis_nn, dsp, esp_nn, mve, neon, thumb, x86
from edgeq.kernels._shared import KernelTable

SETS: Mapping[str, KernelTable] = {
    "cmsis_nn": cmsis_nn.ROWS,
    "esp_nn": esp_nn.ROWS,
    "x86": x86.ROWS,
    "neon": neon.ROWS,
    "mve": mve.ROWS,
    "dsp": dsp.ROWS,
    "thumb": thumb.ROWS,
}
"""All sets by the names of their folders, fastest first; the portable kernels come after them."""


@cache
def _operators() -> frozenset[type[Op]]:
    return frozenset(registry().values())


def set_rows(name: str, op: type[Op]) -> tuple[Kernel, ...]:
    """The rows of an operator in one of `SETS`, fastest first.

    They are its own and those of the families it belongs to, but not those of another operator that it is made from,
    which has other operands.
    """
    families = (base for base in op.__mro__ if base is op or base not in _operators())
    return tuple(row for base in families for row in SETS[name].get(base, ()))


def rows(op: type[Op]) -> tuple[Kernel, ...]:
    """All rows of an operator, fastest first: those of `SETS` in that order, then the portable ones.

    Within a set, the operator's own rows come before those of its base classes.
    """
    return (*(row for name in SETS for row in set_rows(name, op)), *op.kernels)
