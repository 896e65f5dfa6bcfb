"""The C that is generated for a small network, word for word.

After an intended change, `python tests/golden/test_generated_c.py` writes the files anew; look at the difference.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from small_net import small_net

from edgeq import __version__
from edgeq.codegen import lower, render
from edgeq.target import load_target

FOLDER = Path(__file__).resolve().parent / "generated_c"
FILES = (
    "CMakeLists.txt",
    "include/net.h",
    "src/net.c",
    "platform/models/net/edgeq_model.h",
    "platform/models/net/net_glue.c",
    "src/net_weights.c",
    "src/net_weights.h",
    "toolchain/gcc.cmake",
    "toolchain/zig.cmake",
)


def generated() -> dict[str, str]:
    target = load_target("cortex-m4")
    files = render(lower(small_net(), target, "net"), target)
    own = {name: files[name].replace(__version__, "VERSION") for name in FILES}
    return {name: re.sub("IDENTITY 0x[0-9a-f]{16}", "IDENTITY 0x0123456789abcdef", text) for name, text in own.items()}


@pytest.fixture(scope="module")
def files() -> dict[str, str]:
    return generated()


@pytest.mark.parametrize("name", FILES)
def test_is_as_before(name: str, files: dict[str, str]) -> None:
    assert files[name] == (FOLDER / name).read_text("utf-8")


def test_nothing_else_is_kept() -> None:
    assert {p.relative_to(FOLDER).as_posix() for p in FOLDER.rglob("*") if p.is_file()} == set(FILES)


if __name__ == "__main__":
    for name, text in generated().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
