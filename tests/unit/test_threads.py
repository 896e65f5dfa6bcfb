"""Calibration and verification leave the machine's other cores alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from command_line import DIGITS
from needs import OPTIONAL
from threadpoolctl import threadpool_info, threadpool_limits

from edgeq import api
from edgeq.api.threads import KEPT, ahead, one_thread
from edgeq.ir.tensor import Array


def _threads() -> set[int]:
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


@pytest.fixture(autouse=True)
def two_threads() -> Iterator[None]:
    with threadpool_limits(limits=2, user_api="blas"):
        if _threads() != {2}:
            pytest.skip(f"{OPTIONAL}this NumPy's linear algebra cannot be told how many threads to take")
        yield


def test_one_thread_inside_and_as_many_as_before_outside() -> None:
    with one_thread():
        assert _threads() == {1}
    assert _threads() == {2}


def test_calibration() -> None:
    seen: list[set[int]] = []

    def samples() -> Iterator[dict[str, Array]]:
        for image in np.load(DIGITS / "calibration.npz")["x"][:3]:
            seen.append(_threads())
            yield {"image": image[None]}

    graph = api.load(DIGITS / "digits.onnx")
    (name,) = graph.inputs
    api.quantize(graph, ({name: s["image"]} for s in samples()))
    assert seen == [{1}] * 3 and _threads() == {2}


def test_results_in_advance_are_the_same_and_so_is_an_error() -> None:
    def numbers() -> Iterator[int]:
        yield from range(3 * KEPT)
        raise ValueError("the last")

    found = []
    with pytest.raises(ValueError, match="the last"), ahead(numbers()) as results:
        found.extend(results)
    assert found == list(range(3 * KEPT))


def test_a_computation_ends_when_nobody_waits_for_it() -> None:
    done = []

    def endless() -> Iterator[int]:
        while True:
            done.append(len(done))
            yield done[-1]

    with ahead(endless()) as results:
        assert [next(results), next(results)] == [0, 1]
    count = len(done)
    assert count <= 2 * KEPT + 4 and len(done) == count
