"""Options declared once: what a made-up dataclass gives, and that BuildOptions is told everywhere alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import pytest
from command_line import succeeds

from edgeq.api.project import BuildOptions
from edgeq.errors import UsageError
from edgeq.options import (
    Document,
    Kind,
    Option,
    Origin,
    Section,
    choice,
    of_each,
    options,
    options_of_command,
    override,
    read_arguments,
    read_table,
    sections,
)
from edgeq.options.kind import ADDRESS, BOUNDS, BYTES, INTEGER, NAMES, NUMBER, NUMBERS, OFF, ON, PATH, SHAPES, TEXT

HERE = Origin("here", Path("folder"))
GO = ("go",)


class Pace(Enum):
    SLOW = "slow"
    VERY_FAST = "very-fast"


PACE = choice(Pace, {"slow": "for the careful"}, "P")


@dataclass(frozen=True)
class Shoe:
    name: str
    size: Annotated[int, Option("Size", INTEGER)] = 42


@dataclass(frozen=True)
class Pack:
    bags: Annotated[tuple[str, ...], Option("Bags", NAMES, GO, flag="--bag")] = ()
    water: Annotated[bool, Option("Water", ON, GO)] = False
    shoes: Annotated[tuple[Shoe, ...], Section("Shoes.", Shoe, "name")] = ()

    def __post_init__(self) -> None:
        if self.water and not self.bags:
            raise UsageError("water needs a bag", where="[pack]")


@dataclass(frozen=True)
class Walk:
    to: Annotated[str, Option("Where to", TEXT, metavar="T")]
    pace: Annotated[Pace, Option("How fast", PACE, GO, short="-p")] = Pace.SLOW
    hours: Annotated[float, Option("How long", NUMBER, GO), Option("Minutes", NUMBER, GO, key="minutes")] = 2.0
    maps: Annotated[Mapping[str, tuple[int, ...]], Option("Maps", SHAPES, GO, flag="--map")] = field(
        default_factory=dict
    )
    rest: Annotated[bool, Option("Without a rest", OFF, GO)] = True
    pack: Annotated[Pack | None, Section("What is carried.", Pack)] = None


VALUES: list[tuple[Kind, str, Any, Any]] = [
    (TEXT, "a", "a", "a"),
    (PATH, "a/b", "a/b", Path("folder/a/b")),
    (INTEGER, "-3", -3, -3),
    (INTEGER, "0x10", 16, 16),
    (NUMBER, "1e3", 1000, 1000.0),
    (NUMBERS, "1,2.5", [1, 2.5], (1.0, 2.5)),
    (NUMBERS, "4", 4, (4.0,)),
    (BOUNDS, "-1,1.5", [-1, 1.5], (-1.0, 1.5)),
    (BYTES, "512K", "512K", 1 << 19),
    (BYTES, "2MiB", "2 mb", 2 << 20),
    (BYTES, "100", 100, 100),
    (ADDRESS, "0x90000000", 0x90000000, 0x90000000),
    (PACE, "very_fast", "Very-Fast", Pace.VERY_FAST),
    (choice(("a", "b")), "b", "b", "b"),
]


@pytest.mark.parametrize(("kind", "text", "toml", "value"), VALUES)
def test_values(kind: Kind, text: str, toml: object, value: object) -> None:
    assert kind.from_text(text, HERE) == value
    assert kind.from_toml(toml, HERE) == value
    assert type(kind.from_toml(toml, HERE)) is type(value)


WRONG: list[tuple[Kind, list[str], list[Any], str]] = [
    (TEXT, [], [3, True], "text in quotes"),
    (PATH, [], [3], "text in quotes"),
    (ON, [], [1, "yes"], "neither true nor false"),
    (INTEGER, ["x", "1.5", ""], [1.5, True, "3"], "whole number"),
    (NUMBER, ["x", ""], ["3", True], "not a number"),
    (NUMBERS, ["x", "1,", ""], [[], ["1"], [True], "1"], "neither a number nor a list"),
    (BOUNDS, ["1", "2,1", "0,inf", "nan,1"], [[1], [2, 1], 4, ["a", "b"]], "low < high"),
    (BYTES, ["0", "-1", "much", "5X", "K", "1.5K", ""], [0, -1, True, 1.5, "5X"], "greater than 0"),
    (ADDRESS, ["top", "-1"], ["0x90000000", -1, True], "address"),
    (NAMES, [], ["a", [1]], "list of texts"),
    (SHAPES, ["x", "x=", "=1", "x=0", "x=a"], [3], "not"),
    (SHAPES, [], [{"x": [0]}, {"x": [True]}, {"x": "large"}], " x: .* is not the shape of an input"),
    (PACE, ["slower"], ["slower", 3, None, ["slow"]], "'?use one of slow, very-fast"),
]


@pytest.mark.parametrize(("kind", "texts", "tomls", "words"), WRONG)
def test_wrong_values_say_where_and_what(kind: Kind, texts: list[str], tomls: list[Any], words: str) -> None:
    for read, values in ((kind.from_text, texts), (kind.from_toml, tomls)):
        for value in values:
            with pytest.raises(UsageError, match=rf"(?s)^here.*{words}"):
                read(value, HERE)


def test_a_table() -> None:
    table = {
        "to": "there",
        "pace": "very-fast",
        "minutes": 3,
        "maps": {"a": [1, 2]},
        "rest": False,
        "pack": {"bags": ["x"], "water": True, "shoes": {"left*": {"size": 41}, "right": {}}},
    }
    shoes = (Shoe("left*", 41), Shoe("right"))
    expected = Walk("there", Pace.VERY_FAST, 3.0, {"a": (1, 2)}, False, Pack(("x",), True, shoes))
    assert read_table(Walk, table, Document()) == expected
    assert read_table(Walk, {"to": "there"}, Document()) == Walk("there")


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({}, 'w.toml: `to` is missing\n  add a line such as to = "T"'),
        ({"to": "a", "pase": 1}, "w.toml: unknown key 'pase'\n  did you mean pace?\nallowed: to, pace, hours"),
        ({"to": "a", "hours": 1, "minutes": 2}, "w.toml: `hours` and `minutes` exclude each other"),
        ({"to": "a", "pace": "late"}, "w.toml: `pace`: 'late' is not possible\n  use one of slow, very-fast"),
        ({"to": "a", "pack": 3}, "w.toml: `pack`: 3 is not a table\n  write [pack]"),
        ({"to": "a", "pack": {"bags": 3}}, "w.toml: [pack] bags: 3 is not a list"),
        ({"to": "a", "pack": {"bag": []}}, "w.toml: [pack]: unknown key 'bag'\n  did you mean bags?"),
        ({"to": "a", "pack": {"shoes": 3}}, "w.toml: [pack] shoes: 3 is not a table\n  write [pack.shoes.NAME]"),
        ({"to": "a", "pack": {"shoes": {"l": 3}}}, 'w.toml: [pack.shoes."l"]: 3 is not a table'),
        ({"to": "a", "pack": {"shoes": {"l": {"size": "x"}}}}, "w.toml: [pack.shoes.\"l\"] size: 'x' is not a whole"),
    ],
)
def test_wrong_tables(table: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_table(Walk, table, Document("w.toml"))
    assert str(caught.value).startswith(text)


def test_a_command_line_goes_before_the_file() -> None:
    names = [item.parameter for item in options_of_command(Walk, "go")]
    assert names == ["pace", "hours", "minutes", "map", "no_rest", "bag", "water"]
    assert options_of_command(Walk, "stay") == ()
    texts = {"pace": None, "minutes": "5", "map": ["b=3", "c=4x5"], "no_rest": True, "bag": ["y", "z"], "water": False}
    values = read_arguments(Walk, "go", texts)
    assert values == {"hours": 5.0, "maps": {"b": (3,), "c": (4, 5)}, "rest": False, "pack": {"bags": ("y", "z")}}
    walk = Walk("there", Pace.VERY_FAST, maps={"a": (1,), "b": (2,)}, pack=Pack(("x",), True))
    maps = {"a": (1,), "b": (3,), "c": (4, 5)}
    assert override(walk, values) == Walk("there", Pace.VERY_FAST, 5.0, maps, False, Pack(("y", "z"), True))
    assert override(Walk("there"), values).pack == Pack(("y", "z"))
    assert override(walk, read_arguments(Walk, "go", {})) == walk
    with pytest.raises(UsageError, match="water needs a bag"):
        override(Walk("there"), read_arguments(Walk, "go", {"water": True}))


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        ({"hours": "1", "minutes": "2"}, "--hours and --minutes exclude each other"),
        ({"pace": "late"}, "--pace: 'late' is not possible"),
        ({"map": ["a=1", "b"]}, "--map: 'b' is not an input shape"),
    ],
)
def test_wrong_command_lines(texts: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_arguments(Walk, "go", texts)


def test_help_says_choices_and_default() -> None:
    told = {item.flag: item.help for item in options_of_command(Walk, "go")}
    assert told == {
        "--pace": "How fast: slow (for the careful; default); very-fast.",
        "--hours": "How long; default: 2.",
        "--minutes": "Minutes.",
        "--map": "Maps.",
        "--no-rest": "Without a rest.",
        "--bag": "Bags.",
        "--water": "Water.",
    }


# BuildOptions


def test_every_option_of_build_is_a_key_and_a_field() -> None:
    """And every field but MODEL is an option or a table; what more the command takes is named here."""
    shown = succeeds("build", "--help").out
    flags = set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", shown, re.MULTILINE)) - {"--json", "--help"}
    assert flags == {item.flag for item in options_of_command(BuildOptions, "build")}
    declared = {item.path[-1] for item in options(BuildOptions)} | set(sections(BuildOptions))
    assert declared == {f.name for f in fields(BuildOptions)}
    assert {item.path[-1] for item in options(BuildOptions) if not item.option.commands} == {"model"}


def test_keys_of_a_file_and_options_mean_the_same(tmp_path: Path) -> None:
    """One value of every kind, said both ways."""
    from edgeq.api.project import load_project

    (tmp_path / "edgeq.toml").write_text(
        'model = "m.onnx"\nboard = "mps2-an386"\ncalibration = "c.npz"\noptimize = "size"\nweights-in = "section"\n'
        'weights_address = 0x90000000\nram_budget = "64K"\nsanitize = true\ncompile = false\n'
        'input_shapes = { x = [1, 3] }\nnumerics = "tflm"\nquantize = { observer = "mse" }\ninput = { std = [1, 2] }\n'
    )
    texts = {
        "board": "mps2-an386",
        "calibration": str(tmp_path / "c.npz"),
        "optimize": "size",
        "weights_in": "section",
        "weights_address": "0x90000000",
        "ram_budget": "65536",
        "sanitize": True,
        "no_compile": True,
        "input_shape": ["x=1,3"],
        "numerics": "tflm",
        "observer": "mse",
        "input_std": "1,2",
    }
    said = override(BuildOptions(tmp_path / "m.onnx"), read_arguments(BuildOptions, "build", texts))
    assert load_project(tmp_path) == said
    assert (said.target, said.ram_budget, said.compile) == ("mps2-an386", 65536, False)


@dataclass(frozen=True)
class Journey:
    name: Annotated[str, Option("Name", TEXT, GO, each=GO)] = ""
    day: Annotated[int, Option("Day", INTEGER, (*GO, "stay"), each=GO)] = 1
    pack: Annotated[Pack, Section("Pack.", Pack)] = field(default_factory=Pack)


def test_options_of_each_of_several() -> None:
    """Once for all, or once for each in order; where a command takes one thing only, the option is given once."""
    values = read_arguments(Journey, "go", {"name": ["a", "b"], "day": ["3"], "bag": ["red"], "water": True})
    first, second = of_each(values, 2)
    assert first == {"name": "a", "day": 3, "pack": {"bags": ("red",), "water": True}}
    assert second == {**first, "name": "b"}
    assert override(Journey(), second).name == "b"
    with pytest.raises(UsageError, match="--name is given 2 times for 3 models"):
        of_each(values, 3)
    assert read_arguments(Journey, "stay", {"day": "4"}) == {"day": 4}
    with pytest.raises(UsageError, match="not a whole number"):
        read_arguments(Journey, "go", {"day": ["3", "x"]})
