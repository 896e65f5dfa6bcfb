"""The observer `auto`: each activation gets what is best for the model's outputs."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from edgeq.ir.graph import Graph, GraphEditor
from edgeq.ir.tensor import TensorType
from edgeq.ops.add import Add
from edgeq.ops.fully_connected import FullyConnected
from edgeq.ops.lstm import Lstm
from edgeq.ops.reshape import Reshape
from edgeq.ops.softmax import Softmax
from edgeq.quantize import QuantConfig, quantize, run
from edgeq.quantize import trials as trials_module
from edgeq.quantize.config import ObserverKind, WeightRounding
from edgeq.quantize.distance import Distance
from edgeq.quantize.trials import Trials, improves, plain, scores_of
from edgeq.warnings import EdgeqWarning

AUTO = ObserverKind.AUTO
Samples = list[dict[str, np.ndarray]]


def config(observer: str, **more: object) -> QuantConfig:
    """Nothing but ranges is chosen by samples."""
    fixed = {"equalize": False, "bias_correction": False, "rounding": "nearest"}
    return QuantConfig.from_dict({"observer": observer, "percentile": 99.0, **fixed, **more})


@cache
def two_kinds() -> tuple[Graph, Samples]:
    """A layer whose rare great values nothing reads, and one whose great values are all that counts, summed."""
    rng = np.random.default_rng(5)
    e = GraphEditor("two")
    x = e.input("x", TensorType((1, 8)))

    def dense(source: str, weights: np.ndarray, name: str) -> str:
        weight = e.constant(f"{name}_w", weights.astype(np.float32))
        type = TensorType((1, len(weights)))
        return e.add(FullyConnected(), [source, weight], name, types=[type])[0]

    ignored, used = np.zeros((8, 8)), rng.normal(size=(8, 8))
    ignored[:7, :7] = rng.normal(size=(7, 7))
    ignored[7, 7] = 400.0
    unread = np.concatenate([rng.normal(size=(4, 7)), np.zeros((4, 1))], axis=1)
    a = dense(dense(x, ignored, "ignored"), unread, "a")
    b = dense(dense(x, used, "used"), 0.1 * rng.normal(size=(4, 8)), "b")
    e.outputs = e.add(Add(), [a, b], "sum", types=[TensorType((1, 4))])
    data = [{"x": rng.normal(size=(1, 8)).astype(np.float32)} for _ in range(128)]
    for k, sample in enumerate(data):
        sample["x"][0, 7] = 1.0 if k == 64 else 0.001
    return e.finish(), data


def test_auto_is_no_worse_than_any_observer_and_chooses_for_each_tensor() -> None:
    graph, data = two_kinds()
    distance = Distance(graph, data)
    best = min(distance.error(quantize(graph, data, config(kind.value))) for kind in ObserverKind if kind is not AUTO)
    chosen = quantize(graph, data, config("auto"))
    assert distance.error(chosen) < 1.05 * best
    plain_ranges = quantize(graph, data, config("min-max"))
    assert distance.error(chosen) < distance.error(plain_ranges) / 4.0
    assert chosen.type("ignored").qp.s < plain_ranges.type("ignored").qp.s / 4.0
    assert chosen.type("used").qp.s > plain_ranges.type("used").qp.s * 0.8


def test_auto_leaves_others_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, data = two_kinds()
    monkeypatch.setattr(trials_module, "MOST_TRIALS", 20)
    seen: list[tuple[int, int]] = []
    only = config("auto", layers={"ignored": {"observer": "min-max"}})
    found = quantize(graph, data, only, progress=lambda done, most: seen.append((done, most)))
    trials = [done for done, most in seen if most == 20]  # the calibration samples are more
    assert trials[:6] == [1, 2, 3, 4, 5, 6] and trials[-1] <= 20
    assert found.type("ignored").qp == quantize(graph, data, config("min-max")).type("ignored").qp


def test_scales_that_are_powers_of_two_stay_so() -> None:
    """Ranges are tried a little wider, but not those of an LSTM's cells."""
    rng, e = np.random.default_rng(3), GraphEditor("recurrent")
    x = e.input("x", TensorType((1, 6, 3)))
    shapes = {"w": (16, 3), "r": (16, 4), "b": (16,)}
    constants = [e.constant(name, rng.normal(size=shape).astype(np.float32)) for name, shape in shapes.items()]
    zeros = [e.constant(name, np.zeros((1, 4), np.float32)) for name in ("h", "c")]
    made = e.add(Lstm(), [x, *constants, *zeros], "lstm")
    e.outputs = [made[0]]
    data = [{"x": rng.normal(size=(1, 6, 3)).astype(np.float32)} for _ in range(16)]
    assert np.frexp(quantize(e.finish(), data, config("auto")).type(made[2]).qp.s)[0] == 0.5


def test_without_samples_nothing_is_clipped() -> None:
    graph, data = two_kinds()
    known = run(graph, data, config("entropy")).calibration
    with pytest.warns(EdgeqWarning, match='observer = "auto" was left out'):
        found = run(graph, None, config("auto"), calibration=known).graph
    assert found.type("ignored").qp == quantize(graph, data, config("min-max")).type("ignored").qp


def test_trials_are_bounded_and_deterministic(monkeypatch: pytest.MonkeyPatch) -> None:
    graph, data = two_kinds()
    made = []
    counted = Trials.error
    monkeypatch.setattr(Trials, "error", lambda self, params: made.append(1) or counted(self, params))
    monkeypatch.setattr(trials_module, "MOST_TRIALS", 9)
    first, second = (quantize(graph, data, config("auto")) for _ in range(2))
    assert len(made) in range(2 * (9 + 4), 2 * (9 + 6) + 1)
    assert {n: v.type for n, v in first.values.items()} == {n: v.type for n, v in second.values.items()}


def test_scores_are_what_the_last_function_with_bounds_reads() -> None:
    e = GraphEditor("scores")
    x = e.input("x", TensorType((1, 6)))
    (s,) = e.add(Add(), [x, x], "scores", types=[TensorType((1, 6))])
    (y,) = e.add(Softmax(1), [s], "softmax", types=[TensorType((1, 6))])
    (flat,) = e.add(Reshape((6,)), [y], "flat", types=[TensorType((6,))])
    (z,) = e.add(Add(), [x, s], "other", types=[TensorType((1, 6))])
    e.outputs = [flat, z]
    assert scores_of(e.finish()) == (s, z)


def test_both_halves_must_agree() -> None:
    now = np.array([1.0, 1.0])
    assert improves(np.array([0.9, 1.0]), now, 0.01)
    assert not improves(np.array([0.5, 1.1]), now, 0.01)
    assert not improves(np.array([0.995, 0.999]), now, 0.01)


def test_auto_rounds_by_sums_and_is_judged_without_that() -> None:
    automatic = QuantConfig.from_dict(
        {"observer": "auto", "weight_bits": 4, "layers": {"a": {"weight_bits": 2, "rounding": "adaround"}, "b": {}}}
    )
    assert QuantConfig(observer=AUTO).chosen_rounding is WeightRounding.HESSIAN
    for name in "ab":
        judged = plain(automatic).for_layer(name)
        assert judged.weight_bits == 8 and judged.chosen_rounding is WeightRounding.NEAREST


def test_learned_ranges_are_better_than_those_they_began_with() -> None:
    graph, data = two_kinds()
    distance = Distance(graph, data)
    plain_ranges = quantize(graph, data, config("min-max"))
    learned = quantize(graph, data, config("min-max", layers={"ignored": {"learn_ranges": True}}))
    assert learned.type("used").qp == plain_ranges.type("used").qp
    assert learned.type("ignored").qp.s < plain_ranges.type("ignored").qp.s * 0.6
    assert distance.error(learned) < distance.error(plain_ranges) / 2.0
