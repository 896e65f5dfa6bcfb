"""The configuration of quantization."""

from __future__ import annotations

from typing import Any

import pytest

from edgeq.errors import UsageError
from edgeq.options import override
from edgeq.quantize.config import Activations, LayerConfig, ObserverKind, QuantConfig, Weights, WeightScale


def test_a_whole_table() -> None:
    config = QuantConfig.from_dict(
        {
            "weights": "per_tensor",
            "weight_scale": "mse",
            "activations": "symmetric",
            "observer": "moving-average",
            "percentile": 99.9,
            "momentum": 0,
            "bins": 512,
            "bias_correction": False,
            "equalize": False,
            "layers": {"conv*": {"observer": "entropy", "range": [-1, 6]}, "x": {"weights": "per-channel"}},
        }
    )
    assert config == QuantConfig(
        Weights.PER_TENSOR,
        WeightScale.MSE,
        Activations.SYMMETRIC,
        ObserverKind.MOVING_AVERAGE,
        99.9,
        0.0,
        512,
        False,
        False,
        (
            LayerConfig("conv*", observer=ObserverKind.ENTROPY, range=(-1.0, 6.0)),
            LayerConfig("x", weights=Weights.PER_CHANNEL),
        ),
    )


def test_an_empty_table_is_the_default() -> None:
    assert QuantConfig.from_dict({}) == QuantConfig()


def test_override_changes_only_what_it_names() -> None:
    config = QuantConfig(momentum=0.5, observer=ObserverKind.MSE)
    assert override(config, {"observer": ObserverKind.MIN_MAX}) == QuantConfig(
        momentum=0.5, observer=ObserverKind.MIN_MAX
    )


def test_the_first_layer_entry_that_fits_counts() -> None:
    config = QuantConfig.from_dict(
        {"layers": {"a1": {"observer": "mse"}, "a*": {"observer": "entropy", "activations": "symmetric"}}}
    )
    assert config.for_layer("a1").observer is ObserverKind.MSE
    assert config.for_layer("a2").activations is Activations.SYMMETRIC
    assert config.for_layer("b") is config
    assert config.layer("b") is None


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"observers": "mse"}, ["unknown key 'observers'", "allowed: weights", "observer"]),
        ({"observer": "best"}, ["'best' is not possible", "min-max, moving-average, percentile, mse, entropy"]),
        ({"percentile": 30}, ["percentile"]),
        ({"percentile": "99"}, ["'99' is not a number"]),
        ({"momentum": 1.0}, ["momentum"]),
        ({"bins": 10}, ["bins"]),
        ({"bins": 512.5}, ["bins", "not a whole number"]),
        ({"bins": True}, ["not a whole number"]),
        ({"equalize": 1}, ["neither true nor false"]),
        ({"layers": 3}, ["layers", "not a table", "[quantize.layers.NAME]"]),
        ({"layers": {"a": 3}}, ["not a table"]),
        ({"layers": {"a": {"bias": 1}}}, ["unknown key 'bias'", "allowed: observer"]),
        ({"layers": {"a": {"range": [3, 1]}}}, ["range", "[3, 1]", "low < high"]),
        ({"layers": {"a": {"range": [0]}}}, ["range", "[0]"]),
        ({"layers": {"a": {"range": [0, float("inf")]}}}, ["range"]),
        ({"layers": {"a": {"range": 4}}}, ["range", "4"]),
    ],
)
def test_wrong_tables_say_what_is_wrong(table: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        QuantConfig.from_dict(table)
    for word in words:
        assert word in str(caught.value)
