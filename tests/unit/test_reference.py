"""Pages of the documentation that are written from the code say what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq.api.reference import PAGES, kernels_page
from edgeq.cli import reference
from edgeq.isa import FEATURES
from edgeq.kernels import SETS

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_fresh(name: str) -> None:
    """`python -m edgeq.api.reference docs` writes them anew."""
    assert (DOCS / name).read_text("utf-8") == PAGES[name]()


@pytest.mark.parametrize("name", reference.PAGES)
def test_pages_of_the_command_line_are_fresh(name: str) -> None:
    """`python -m edgeq.cli.reference docs` writes them anew."""
    assert (DOCS / name).read_text("utf-8") == reference.PAGES[name](DOCS)


def test_the_matrix_tells_sets_and_types() -> None:
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in kernels_page().split("\n") if line[:1] == "|"]
    columns = table[0]
    rows = {line[0]: dict(zip(columns, line, strict=True)) for line in table if len(line) == len(columns)}
    assert columns == ["operator", *(f"`{name}`" for name in SETS), "portable"]
    assert rows["Conv2D"]["`cmsis_nn`"] == "int8 × int8"
    for name in ("dsp", "mve", "thumb"):
        assert {"int8 × int8", "int8 × int4", "int16 × int8"} <= set(rows["Conv2D"][f"`{name}`"].split(", "))
    assert rows["Exp"]["portable"] == "int8, int16, float32"
    assert [cell for cell in rows["Reshape"].values() if cell] == ["Reshape", "a view: no code"]


def test_the_page_tells_features() -> None:
    text = kernels_page()
    for name, feature in FEATURES.items():
        implied = ", ".join(f"`{other}`" for other in feature.implies)
        assert f"| `{name}` | {feature.description} | {implied} |\n" in text
