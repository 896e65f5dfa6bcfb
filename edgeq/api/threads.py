"""How many threads the float arithmetic of NumPy uses: one.

The matrices of a network for a microcontroller are too small to be worth sharing out: on two cores that were busy with
other things, calibrating ResNet-8 took 2 s with one thread, and 17 s and more with two, which wait for each other. And
sums that are not divided are the same on every machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from queue import Queue
from threading import Event, Thread
from typing import TypeVar

from threadpoolctl import threadpool_limits

Result = TypeVar("Result")
KEPT = 64
"""Results that a thread may be ahead."""


@contextmanager
def one_thread() -> Iterator[None]:
    """A context in which linear algebra runs in one thread. Also a decorator."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


@contextmanager
def ahead(results: Iterable[Result]) -> Iterator[Iterator[Result]]:
    """The same results, computed by a thread of their own in advance; NumPy's loops run beside those of the caller.

    What the computation raises, the iterator raises where the result would have been.
    """
    queue: Queue[tuple[Result] | BaseException | None] = Queue(KEPT)
    ended = Event()

    def compute() -> None:
        try:
            for result in results:
                queue.put((result,))
                if ended.is_set():
                    return
            queue.put(None)
        except BaseException as error:  # the caller's thread is told
            queue.put(error)

    def received() -> Iterator[Result]:
        while (entry := queue.get()) is not None:
            if isinstance(entry, BaseException):
                raise entry
            yield entry[0]

    thread = Thread(target=copy_context().run, args=(compute,), daemon=True)
    thread.start()
    try:
        yield received()
    finally:
        ended.set()
        while thread.is_alive():  # it may wait for room
            while not queue.empty():
                queue.get_nowait()
            thread.join(0.01)
