"""Sums under windows, computed block by block: what they are when each tap is taken by itself."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from edgeq.ops import _window
from edgeq.ops._window import blocks_of_sums, out_hw, taps, weighted_sums

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("block", [60, 1 << 16])
@pytest.mark.parametrize("shape", [(1, 7, 6, 9), (3, 13, 11, 4)])
def test_blocks_and_borders(block: int, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that lie wholly in the padding, strides wider than the image, windows that reach beyond it."""
    monkeypatch.setattr(_window, "BLOCK", block)
    x, found = RNG.normal(size=shape).astype(np.float32), 0
    pairs = [(1, 1), (2, 2), (3, 2), (1, 12)], [(1, 1), (2, 1), (1, 2)]
    for kernel, stride, dilation in product([(3, 3), (1, 1), (5, 4)], *pairs):
        for padding in ((0, 0, 0, 0), (1, 1, 1, 1), (9, 0, 8, 3), (0, 7, 2, 0)):
            window = (kernel, stride, dilation, padding)
            try:
                out_hw((shape[1], shape[2]), *window)
            except ValueError:
                continue
            w = RNG.normal(size=(*kernel, shape[3])).astype(np.float32)
            wanted: np.ndarray | None = None
            for ky, kx, seen in taps(x, *window, -2.0):
                wanted = seen * w[ky, kx] if wanted is None else wanted + seen * w[ky, kx]
            assert wanted is not None
            np.testing.assert_array_equal(weighted_sums(x, w, stride, dilation, padding, -2.0), wanted, str(window))
            whole, weights = np.rint(100 * x), np.rint(50 * w)
            summed = weighted_sums(whole, weights, stride, dilation, padding, -2.0)
            for images, rows, sums in blocks_of_sums(whole, weights, stride, dilation, padding, -2.0, exact=True):
                np.testing.assert_array_equal(sums, summed[images, rows], str(window))
            found += 1
    assert found > 80
