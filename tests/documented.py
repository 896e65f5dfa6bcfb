"""The board that the documentation adds as an example."""

from __future__ import annotations

import re
from pathlib import Path

from edgeq.target import Target, load_target_file

PAGE = Path(__file__).parents[1] / "docs" / "porting.md"


def documented_board(folder: Path) -> Target:
    """The board, from a file that is written into a folder as the documentation has it."""
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (folder / "nucleo-l476rg.toml").write_text(text)
    return load_target_file(folder / "nucleo-l476rg.toml")
