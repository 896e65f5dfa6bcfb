"""The vocabulary of instruction sets."""

from __future__ import annotations

import pytest

from edgeq.errors import UsageError
from edgeq.ir.op import registry
from edgeq.isa import FEATURES, with_implied
from edgeq.target import list_boards, list_targets


def test_what_is_implied() -> None:
    assert with_implied([]) == frozenset()
    assert with_implied(["thumb2"]) == {"thumb", "thumb2"}
    assert with_implied(["dsp", "fpu"]) == {"thumb", "thumb2", "simd32", "dsp", "fpu"}
    assert with_implied(["dotprod"]) == {"neon", "dotprod"}
    assert with_implied(["mve"]) == {"thumb", "thumb2", "simd32", "dsp", "v8m", "lob", "mve"}


def test_vocabulary_is_closed() -> None:
    """Every implied name has a line of its own, and no two features imply each other."""
    for name, feature in FEATURES.items():
        assert feature.description
        assert name not in with_implied(feature.implies)


def test_unknown_feature() -> None:
    with pytest.raises(UsageError) as caught:
        with_implied(["thumb", "dps"], "mine.toml")
    assert str(caught.value) == "mine.toml: isa: unknown feature 'dps'\n  did you mean dsp?"
    with pytest.raises(UsageError) as caught:
        with_implied(["zzz"])
    assert caught.value.hint == f"the features are {', '.join(FEATURES)}"


def test_kernels_ask_for_features_that_there_are() -> None:
    rows = [(kind, row) for kind, op in registry().items() for row in op.kernels]
    assert [(kind, row.function) for kind, row in rows if not row.isa | row.lacks <= FEATURES.keys()] == []


@pytest.mark.parametrize("target", [*list_targets(), *list_boards()], ids=lambda t: t.name)
def test_targets_have_all_that_is_implied(target) -> None:  # type: ignore[no-untyped-def]
    assert with_implied(target.isa) == target.isa
