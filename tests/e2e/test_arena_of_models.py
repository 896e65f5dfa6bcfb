"""Arenas of the benchmark's networks: each is as small as any plan for its kernels can be."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq import api
from edgeq.codegen import lower
from edgeq.target import load_target


@pytest.mark.shared
@pytest.mark.parametrize("name", ["kws", "vww", "ic", "ad"])
def test_arena_is_at_the_bound(name: str, shared_models: Path) -> None:
    graph = api.quantize(shared_models / f"{name}_int8.tflite").graph
    for target in ("host", "cortex-m0plus", "cortex-m4"):
        program = lower(graph, load_target(target), name)
        assert program.arena_bytes == program.arena_bound, target
