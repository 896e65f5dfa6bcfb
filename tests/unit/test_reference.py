"""Pages of the documentation that are written from the code say what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq.api.reference import PAGES, kernels_page

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_fresh(name: str) -> None:
    """`python -m edgeq.api.reference docs` writes them anew."""
    assert (DOCS / name).read_text("utf-8") == PAGES[name]()


def test_the_matrix_tells_sets_and_types() -> None:
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in kernels_page().split("\n") if line[:1] == "|"]
    rows = {kind: cells for kind, *cells in table}
    assert rows["Conv2D"] == ["int8 × int8"] * 5
    assert rows["Exp"][-1] == "int8, float32"
    assert rows["Reshape"] == ["", "", "", "", "a view: no code"]
