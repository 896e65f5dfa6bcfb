"""ONNX's own test cases: how many of them edgeq takes, and that none of those it takes is wrong."""

from __future__ import annotations

import pytest
from onnx_node_cases import cases, outcomes

TAKEN = 1695
"""Cases that give the expected numbers with the installed onnx package; more may, fewer may not."""
COMPUTED = 1595
"""Those of them in which something is computed at run time, and not only folded when the model is read."""


@pytest.mark.slow
def test_onnx_node_cases() -> None:
    found = outcomes()
    assert len(found) == len(cases())
    assert [f"{o.name}: {said}" for o in found for said in o.wrong] == []
    assert sum(o.passed for o in found) >= TAKEN
    assert sum(o.passed and not o.folded for o in found) >= COMPUTED
