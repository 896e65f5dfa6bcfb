"""Why a layer has the kernel that it has: conditions with words, rows that were passed over, bounds of accumulators."""

from __future__ import annotations

import re
from pathlib import Path

import needs
import numpy as np
import pytest
from small_net import small_net

from edgeq.codegen import lower, render
from edgeq.codegen.manifest import make_manifest
from edgeq.codegen.program import KernelCall
from edgeq.errors import ModelError
from edgeq.ir.condition import Condition, all_of, first_unmet, parts_of, words_of
from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.op import registry
from edgeq.ir.site import Site
from edgeq.ir.tensor import DType, QParams, TensorType
from edgeq.kernels import rows
from edgeq.numerics.fixedpoint import Numerics
from edgeq.target import load_target
from edgeq.toolchain import run

HOST, M4, M3 = load_target("host"), load_target("cortex-m4"), load_target("cortex-m3")
ROWS = sorted({row.function: row for op in registry().values() for row in rows(op)}.items())
Q = QParams.per_tensor(0.05, -3)


@pytest.mark.parametrize(("function", "row"), ROWS, ids=[name for name, _ in ROWS])
def test_every_condition_has_words(function: str, row) -> None:
    """A clause that holds where the condition does, as it follows "needs:"."""
    for part in parts_of(row.fits):
        words = words_of(part)
        assert " " in words and not words.endswith("."), words
        assert not re.match(r"(as|whether|if|returns?|a|the condition) ", words), words
        assert getattr(part, "__name__", "") != "<lambda>"


def test_words() -> None:
    def is_large(site: Site) -> bool:
        """It is large,
        and round.

        More of it.
        """
        return False

    yes, no = Condition("All is well", lambda site: True), Condition("GELU is exact", lambda site: False)
    site = next(iter(_sites(small_net())))
    assert words_of(is_large) == "it is large, and round"
    assert (words_of(yes), words_of(no)) == ("all is well", "GELU is exact")
    both = all_of(yes, all_of(no, is_large))
    assert both.parts == (yes, no, is_large) and not both(site)
    assert first_unmet(both, site) == "GELU is exact" and first_unmet(all_of(yes), site) == ""


def _sites(graph: Graph) -> list[Site]:
    return [graph.site(node) for node in graph.nodes]


def _layer(name: str, target=M4, **options) -> KernelCall:
    return next(c for c in lower(small_net(), target, "net", **options).calls if c.name == name)


def test_rows_that_were_passed_over() -> None:
    needs = {row.function: (row.needs, row.runs_here) for row in _layer("body").passed_over}
    assert needs["eq_conv2d_mve"] == ("the target has mve", False)
    assert needs["eq_winograd_dsp"] == ("the program is optimized for speed", True)
    assert needs["eq_compact_conv2d_dsp_mixed"] == ("the program is optimized for size", True)
    assert needs["eq_pointwise_dsp_mixed"][0].startswith("it is a 1×1 convolution")
    assert _layer("body").function == "eq_conv2d_dsp_mixed" and "eq_conv2d_dsp_plain" not in needs, "only faster ones"
    assert {r.needs for r in _layer("swap").passed_over} == set()
    winograd = {r.function: r.needs for r in _layer("body", optimize="speed").passed_over}["eq_winograd_dsp"]
    assert winograd == "input channels are a multiple of four, and there are four output channels"
    assert not [f for f in needs if "avx" in f], "nothing of another kind of processor"
    assert _layer("body", HOST).passed_over == ()


def test_passed_over_for_their_scratch_memory() -> None:
    plain = lower(small_net(), M4, "net").arena_bytes
    tight = lower(small_net(), M4, "net", ram_budget=plain - 100)
    reasons = {row.needs for call in tight.calls for row in call.passed_over}
    assert "its scratch memory is within --ram-budget" in reasons


def test_manifest() -> None:
    layers = make_manifest(lower(small_net(), M4, "net"), M4)["layers"]
    body = next(layer for layer in layers if layer["name"] == "body")
    assert body["passed_over"][0] == {
        "function": "eq_conv2d_1x1_mve",
        "needs": "the target has mve",
        "runs_here": False,
    }
    assert body["accumulator_bits"] == body["accumulator_bound"].bit_length() + 1
    assert next(layer for layer in layers if layer["op"] == "Concat")["accumulator_bound"] is None


def _grouped() -> Graph:
    edit = GraphEditor("grouped")
    edit.numerics = Numerics.FAST
    x = edit.input("x", TensorType((1, 4, 4, 4), DType.INT8, Q))
    w = edit.constant("w", np.full((4, 1, 1, 2), 3, np.int8), QParams.per_tensor(0.01, 0))
    (y,) = edit.add(registry()["Conv2D"](groups=2), [x, w], "two groups")
    edit.outputs = [y]
    return edit.finish()


def test_require_fast() -> None:
    with pytest.raises(ModelError) as caught:
        lower(_grouped(), M4, "net", require_fast=True)
    error = caught.value
    assert error.where == "two groups" and "only the portable kernel eq_conv2d_ref" in error.message
    assert "eq_conv2d_dsp_mixed needs: the convolution has one group" in error.hint and "mve" not in error.hint
    lower(_grouped(), M4, "net")
    lower(_grouped(), HOST, "net", require_fast=True)  # there is nothing faster
    assert lower(small_net(), M4, "net", require_fast=True).calls, "nothing is asked of operators without faster rows"


def test_bounds_of_accumulators() -> None:
    edit = GraphEditor("dense")
    edit.numerics = Numerics.FAST
    x = edit.input("x", TensorType((1, 2), DType.INT8, Q))
    w = edit.constant("w", np.array([[1, -2], [3, 4]], np.int8), QParams.per_tensor(0.01, 0))
    b = edit.constant("b", np.array([10, -20], np.int32), QParams.per_tensor(0.0005, 0))
    (y,) = edit.add(registry()["FullyConnected"](), [x, w, b], "dense")
    edit.outputs = [y]
    (call,) = lower(edit.finish(), M4, "net").calls
    # bias + 3 Σ w: 10 − 3 and −20 + 21
    assert call.accumulator_bound == max(7 + 128 * 3, 1 + 128 * 7) and call.accumulator_bits == 11


def test_bounds_hold_for_the_worst_input() -> None:
    """Of every layer with weights, over extreme inputs; a bound is at most an eighth above what is reached."""
    rng = np.random.default_rng(3)
    for channels, kernel in ((4, 1), (3, 3)):
        w = rng.integers(-127, 128, (5, kernel, kernel, channels)).astype(np.int64)
        edit = GraphEditor("conv")
        edit.numerics = Numerics.FAST
        x = edit.input("x", TensorType((1, kernel, kernel, channels), DType.INT8, Q))
        constant = edit.constant("w", w.astype(np.int8), QParams.per_tensor(0.001, 0))
        (y,) = edit.add(registry()["Conv2D"](), [x, constant], "conv")
        edit.outputs = [y]
        (call,) = lower(edit.finish(), M4, "net").calls
        folded = 3 * w.reshape(5, -1).sum(axis=1)
        reached = [
            abs(int(folded[c] + (w[c] * np.where(w[c] * sign > 0, 127, -128)).sum()))
            for c in range(5)
            for sign in (1, -1)
        ]
        assert call.accumulator_bound is not None
        assert max(reached) <= call.accumulator_bound <= 1.125 * max(reached)


@pytest.mark.parametrize(("cpu", "accepted"), [("cortex-m4", True), ("cortex-m33", True), ("cortex-m3", False)])
def test_code_for_another_core_is_refused(cpu: str, accepted: bool, tmp_path: Path) -> None:
    needs.programs("arm-none-eabi-gcc")
    for path, text in render(lower(small_net(), M4, "net"), M4).items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text, "utf-8")
    command = ["arm-none-eabi-gcc", f"-mcpu={cpu}", "-mthumb", "-fsyntax-only", f"-I{tmp_path / 'include'}"]
    done = run([*command, tmp_path / "src" / "net.c"], check=False)
    assert (done.code == 0) == accepted, done.errors
    says = "net was generated for cortex-m4 and calls kernels for its instructions (Arm: "
    assert (says in done.errors) != accepted


def test_computers_take_any_code() -> None:
    """They simulate what they lack."""
    assert "#error" not in render(lower(small_net(), M4, "net"), HOST)["src/net.c"]
    assert "#error" not in render(lower(small_net(), HOST, "net"), HOST)["src/net.c"]
    assert "defined(__thumb2__)" in render(lower(small_net(), M3, "net"), M3)["src/net.c"]
