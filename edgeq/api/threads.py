"""How many threads the float arithmetic of NumPy uses: one.

The matrices of a network for a microcontroller are too small to be worth sharing out: on two cores that were busy with
other things, calibrating ResNet-8 took 2 s with one thread, and 17 s and more with two, which wait for each other. And
sums that are not divided are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """A context in which linear algebra runs in one thread. Also a decorator."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield
