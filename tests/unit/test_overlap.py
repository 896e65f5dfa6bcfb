"""The rule for distances against what it is about: a memory in which an output lies over an input."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgeq.ir.tensor import DType, TensorType
from edgeq.ops._overlap import NOTHING, first_taps, least_distance, pixels_of, tiles

IN, OUT = 9, 12
Step = tuple[frozenset[int], frozenset[int]]
steps = st.lists(
    st.tuples(st.frozensets(st.integers(0, IN - 1), max_size=3), st.frozensets(st.integers(0, OUT - 1), max_size=3)),
    min_size=1,
    max_size=8,
)


def goes_wrong(program: list[Step], distance: int) -> bool:
    """Whether a step reads a byte of the input that an earlier one overwrote, the output being `distance` before it."""
    written: set[int] = set()
    for read, write in program:
        if read & written:
            return True
        written |= {byte - distance for byte in write}
    return False


@given(steps)
def test_least_distance(program: list[Step]) -> None:
    """What steps write before, and read at least, decides the least distance from which on nothing goes wrong."""
    ends = np.maximum.accumulate([0, *(max(write, default=-1) + 1 for _, write in program[:-1])])
    first = np.array([min(read, default=NOTHING) for read, _ in program])
    found = least_distance(TensorType((IN,), DType.INT8), TensorType((OUT,), DType.INT8), (ends, first))
    assert not any(goes_wrong(program, d) for d in range(found, OUT + IN))
    assert found == -IN or goes_wrong(program, found - 1)


@given(st.sampled_from([(DType.INT8, DType.FLOAT32), (DType.FLOAT32, DType.INT8), (DType.INT16, DType.INT16)]))
def test_distances_are_in_bytes(types: tuple[DType, DType]) -> None:
    """One element after the other, of any sizes: every byte of an element is read and written at once."""
    count, (x, y) = 7, (TensorType((7,), dtype) for dtype in types)

    def element(type: TensorType, k: int) -> frozenset[int]:
        return frozenset(range(k * type.itemsize, (k + 1) * type.itemsize))

    program = [(element(x, k), element(y, k)) for k in range(count)]
    found = least_distance(x, y, (np.arange(count), np.arange(count)))
    assert not any(goes_wrong(program, d) for d in range(found, x.nbytes + y.nbytes))
    assert goes_wrong(program, found - 1)


def test_first_taps() -> None:
    assert first_taps(5, 5, 3, 1, 1, 1).tolist() == [0, 0, 1, 2, 3]
    assert first_taps(4, 3, 2, 2, 2, 1).tolist() == [1, 1, 3]
    assert first_taps(1, 3, 1, 1, 1, 1).tolist() == [NOTHING, 0, NOTHING]


def test_tiles_end_with_an_image() -> None:
    rows, columns = np.array([0, 1]), np.array([NOTHING, 1])
    pixels = pixels_of(rows, columns, 3, np.array([0, 6]))
    assert (pixels < NOTHING).tolist() == [[False, True, False, True]] * 2
    found = tiles(pixels, 3)
    assert found.start.tolist() == [0, 3, 4, 7]
    assert found.count.tolist() == [3, 1, 3, 1]
    assert found.read.tolist() == [1, 4, 7, 10]
