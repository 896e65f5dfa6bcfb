"""Warnings: collected, shown once, errors where that is asked for."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from command_line import SINE, edgeq

from edgeq.api import flow
from edgeq.errors import ModelError, QuantizationError, UsageError
from edgeq.ir.graph import Graph
from edgeq.warnings import EdgeqWarning, collecting, refuse, warn


def test_a_warning_says_where_what_and_what_to_do() -> None:
    with pytest.warns(EdgeqWarning, match="^conv: is doubtful; look at it$"):
        warn("is doubtful", hint="look at it", where="conv")


def test_collections_nest_and_hold_the_same_warning_once() -> None:
    with warnings.catch_warnings(record=True) as shown, collecting() as outer:
        warnings.simplefilter("always")
        warn("first")
        with collecting() as inner:
            warn("second")
            warn("second")
        warn("first")
    assert [w.message for w in outer] == ["first", "second"]
    assert [w.message for w in inner] == ["second"]
    assert len(shown) == 2


def test_what_is_known_already_begins_a_collection() -> None:
    with pytest.warns(EdgeqWarning), collecting() as first:
        warn("once")
    with collecting(first) as second:
        warn("once")
    assert second == first


def test_refused_warnings_are_one_error_of_the_class_of_the_first() -> None:
    given = [EdgeqWarning("a", "do b", "c", UsageError), EdgeqWarning("d", "", "e", ModelError)]
    with pytest.raises(UsageError) as caught:
        refuse(given)
    assert str(caught.value) == "c: a\n  do b\nand: e: d\n--strict makes warnings errors"
    refuse([])


@pytest.fixture
def doubtful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every model that is read gives a warning."""

    def load(*arguments: Any, **named: Any) -> Graph:
        warn("is doubtful", hint="look at it", where="conv")
        return read(*arguments, **named)

    read = flow.import_model
    monkeypatch.setattr(flow, "import_model", load)


@pytest.mark.usefixtures("doubtful")
def test_the_command_line_shows_one_line_and_the_manifest_lists_it(tmp_path: Path) -> None:
    ended = edgeq("build", SINE, "--output", tmp_path / "out", "--no-compile", "--json")
    assert ended.code == 0
    assert [line for line in ended.err.splitlines() if "doubtful" in line] == ["warning: conv: is doubtful; look at it"]
    assert ended.json["warnings"] == [{"message": "is doubtful", "hint": "look at it", "where": "conv"}]


@pytest.mark.usefixtures("doubtful")
@pytest.mark.parametrize(("command", "output"), [("build", "out"), ("quantize", "out.onnx")])
def test_strict_makes_them_errors_before_anything_is_written(tmp_path: Path, command: str, output: str) -> None:
    ended = edgeq(command, SINE, "--output", tmp_path / output, "--strict")
    assert ended.code == QuantizationError.exit_code
    assert "error: conv: is doubtful" in ended.err
    assert not list(tmp_path.iterdir())
