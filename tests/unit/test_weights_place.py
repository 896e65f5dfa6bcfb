"""Weights in a section or a file of their own: what is generated, and what the check of a file says."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import needs
import numpy as np
import pytest
from small_net import small_net

from edgeq.codegen import emit, lower, render
from edgeq.codegen.emit import weights_image
from edgeq.codegen.literals import Constant
from edgeq.codegen.manifest import make_manifest
from edgeq.codegen.program import Program
from edgeq.codegen.weights import (
    HEADER_BYTES,
    INLINE,
    WeightsPlace,
    emulated_place,
    fingerprint,
    image,
    layout,
    place_weights,
)
from edgeq.errors import CapacityError, UsageError
from edgeq.resources import folder
from edgeq.target import Region, load_target
from edgeq.toolchain import run

HOST, CORE = load_target("host"), load_target("cortex-m4")
BARE = replace(CORE, memory={k: CORE.memory[k] for k in ("flash", "ram")})
FILE = WeightsPlace("file", "weights", 0x21000000)


def _program(place: WeightsPlace, seed: int = 7, name: str = "net") -> Program:
    return lower(small_net(seed=seed), CORE, name, weights=place)


def test_places() -> None:
    assert place_weights("inline", None, CORE) == place_weights("inline", None, HOST) == INLINE
    assert place_weights("section", None, CORE) == WeightsPlace("section", "weights")
    assert place_weights("section", None, BARE) == WeightsPlace("section", "flash")
    assert place_weights("section", None, HOST) == WeightsPlace("section", "flash")
    assert place_weights("file", None, CORE) == FILE
    assert place_weights("file", 0x90000000, CORE) == WeightsPlace("file", "", 0x90000000)
    assert place_weights("file", 0x200000, CORE) == WeightsPlace("file", "flash", 0x200000)


def test_places_in_the_emulator() -> None:
    """Where no memory of the target is: in its memory for weights, or at the end of its flash."""
    far = WeightsPlace("file", "", 0x90000000)
    small = replace(CORE, memory={**CORE.memory, "weights": Region(0x21000000, 64)})
    assert emulated_place(far, 100, CORE) == replace(far, emulated=0x21000000)
    assert emulated_place(far, 100, BARE) == emulated_place(far, 100, small) == replace(far, emulated=0x400000 - 112)
    for place in (FILE, INLINE, WeightsPlace("section"), WeightsPlace("file", "flash", 0x200000)):
        assert emulated_place(place, 100, CORE) == place
    cmake = render(_program(far), CORE)["CMakeLists.txt"]
    assert cmake.count("NET_WEIGHTS_ADDRESS=0x21000000u") == 2  # run and profile
    assert "WEIGHTS_ADDRESS" not in render(_program(FILE), CORE)["CMakeLists.txt"]


@pytest.mark.parametrize(
    ("kind", "address", "target", "says", "hint"),
    [
        ("inline", 16, CORE, "for weights in a file", "--weights-in file"),
        ("section", 16, CORE, "for weights in a file", "--weights-in file"),
        ("file", None, HOST, "programs for host do not know", "--weights-in section"),
        ("file", None, BARE, "no memory for weights alone", "--weights-address"),
        ("file", 0x90000008, CORE, "cannot lie at 0x90000008", "multiple of 16"),
        ("file", 1 << 32, CORE, "cannot lie at 0x100000000", "32-bit"),
        ("file", 0x20000100, CORE, "in the RAM of cortex-m4", "choose another"),
    ],
)
def test_places_that_cannot_be(kind, address, target, says: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        place_weights(kind, address, target)
    assert says in caught.value.message and hint in caught.value.hint


def test_layout_and_image() -> None:
    constants = (
        Constant("a", np.array([1, -2, 3], np.int8)),
        Constant("b", np.array([1 << 40], np.int64)),
        Constant("c", np.array([-5], np.int16)),
        Constant("d", np.array([0.5], np.float32)),
    )
    assert layout(()) == ((), HEADER_BYTES)
    assert layout(constants) == ((32, 40, 48, 52), 56)
    made = image(constants, (1, 0xFFFFFFFF))
    body = (
        b"\x01\xfe\x03"
        + bytes(5)
        + (1 << 40).to_bytes(8, "little")
        + b"\xfb\xff"
        + bytes(2)
        + bytes.fromhex("0000003f")
    )
    assert made[HEADER_BYTES:] == body
    assert made[:HEADER_BYTES] == struct.pack("<4s7I", b"EQWT", 1, 1, 0xFFFFFFFF, 56, 0, 0, zlib.crc32(body))


def test_fingerprint_is_of_code_and_layout_alone() -> None:
    code = {"a.c": "int a;", "b.c": "int b;"}
    one, other = Constant("w", np.zeros(3, np.int8)), Constant("w", np.ones(3, np.int8))
    expected = fingerprint(code, [one])
    assert expected == fingerprint(dict(reversed(code.items())), [other])
    assert expected != fingerprint({**code, "b.c": "int c;"}, [one])
    assert expected != fingerprint(code, [Constant("w", np.zeros(4, np.int8))])
    assert expected != fingerprint(code, [Constant("w", np.zeros(3, np.uint8))])
    assert expected != fingerprint(code, [Constant("v", np.zeros(3, np.int8))])


def test_only_the_weights_files_know_of_the_place() -> None:
    """The model's code is the same; what it calls its weights by is an array, or an address."""
    inline, section, file = (render(_program(p), CORE) for p in (INLINE, WeightsPlace("section", "weights"), FILE))
    assert inline["src/net.c"] == section["src/net.c"] == file["src/net.c"]
    assert inline["src/net_weights.c"].count("EQ_SECTION") == 0
    arrays = len(re.findall(r"^const ", inline["src/net_weights.c"], re.MULTILINE))
    assert section["src/net_weights.c"].count("EQ_SECTION(EQ_WEIGHTS_SECTION) const ") == arrays > 3
    assert file["src/net_weights.h"].count("(NET_WEIGHTS_ADDRESS + ") == arrays
    assert "0x21000000u" in file["src/net_weights.h"]
    assert not re.search(r"^const ", file["src/net_weights.c"], re.MULTILINE)
    assert "kernels/ref/check_weights.c" in file and "kernels/ref/check_weights.c" not in inline
    assert "WEIGHTS (r) : ORIGIN = 0x21000000, LENGTH = 0x1000000" in section["platform/link.ld"]
    assert "eq_weights" not in inline["platform/link.ld"] + file["platform/link.ld"]


def test_file_in_flash_ends_the_program() -> None:
    text = render(_program(WeightsPlace("file", "flash", 0x200000)), CORE)["platform/link.ld"]
    assert "FLASH (rx)  : ORIGIN = 0x00000000, LENGTH = 0x200000" in text


def test_manifest() -> None:
    keys = ("weights_in", "weights_region", "weights_file", "weights_address", "weights_flash_bytes")
    program = _program(FILE)
    assert [make_manifest(program, CORE)[k] for k in keys] == [
        "file", "weights", "weights.bin", 0x21000000, program.image_bytes,
    ]  # fmt: skip
    inline = make_manifest(_program(INLINE), CORE)
    assert [inline[k] for k in keys] == ["inline", "flash", None, None, program.constant_bytes]


@pytest.mark.parametrize(
    ("place", "regions", "says"),
    [
        (WeightsPlace("section", "weights"), {"weights": Region(0x21000000, 1000)}, "of weights, which has 1,000"),
        (FILE, {"weights": Region(0x21000000, 1000)}, "from 0x21000000, where weights has 1,000 left"),
        (WeightsPlace("file", "flash", 0x3FFF00), {}, "from 0x3fff00, where flash has 256 left"),
    ],
)
def test_capacity(place: WeightsPlace, regions: dict[str, Region], says: str) -> None:
    target = replace(CORE, memory={**CORE.memory, **regions})
    with pytest.raises(CapacityError) as caught:
        lower(small_net(), target, weights=place)
    assert says in caught.value.message


def test_weights_elsewhere_do_not_count_against_flash() -> None:
    small = replace(CORE, memory={**CORE.memory, "flash": Region(0, 1000)})
    with pytest.raises(CapacityError, match="weights and tables take") as caught:
        lower(small_net(), small)
    assert "--weights-in" in caught.value.hint
    far = WeightsPlace("file", "", 0x90000000, emulated=0x21000000)
    for place in (WeightsPlace("section", "weights"), FILE, far):
        assert lower(small_net(), small, weights=place).weights == place


def test_emitted_file(tmp_path: Path) -> None:
    program = _program(FILE)
    emit(program, small_net(), None, CORE, tmp_path / "out")
    made = (tmp_path / "out" / "weights.bin").read_bytes()
    assert made == weights_image(program, render(program, CORE)) and len(made) == program.image_bytes
    emit(_program(INLINE), small_net(), None, CORE, tmp_path / "out")
    assert not (tmp_path / "out" / "weights.bin").exists()


CHECK = """
#include "net.h"
#include <stdio.h>
int main(int argc, char **argv)
{
    static unsigned char room[NET_WEIGHTS_BYTES];
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!file || fread(room, 1, sizeof room, file) == 0) {
        return 1;
    }
    printf("%d", net_check_weights_at(room));
    return fclose(file);
}
"""


def test_check(tmp_path: Path) -> None:
    """Compiled for this machine, as the check needs nothing of the core's. Other weights for the same code pass."""
    gcc = needs.compiler(HOST, "gcc")
    program = _program(FILE)
    emit(program, small_net(), None, CORE, tmp_path / "out")
    (tmp_path / "main.c").write_text(CHECK)
    base = tmp_path / "out"
    sources = [base / "src" / "net_weights.c", base / "kernels" / "ref" / "check_weights.c", tmp_path / "main.c"]
    places = [f"-I{base / p}" for p in ("include", "src", "kernels/include")]
    flags = [
        "-O1",
        "-Wall",
        "-Wextra",
        "-Wconversion",
        "-Wno-int-to-pointer-cast",
        "-Werror",
        "-fsanitize=address,undefined",
    ]
    run([gcc.program, *flags, *places, *sources, "-o", "check"], cwd=tmp_path)

    def check(content: bytes) -> int:
        (tmp_path / "image").write_bytes(content)
        return int(run([tmp_path / "check", tmp_path / "image"]).output)

    right = (base / "weights.bin").read_bytes()
    retrained, other = _program(FILE, seed=8), _program(FILE, name="other")
    assert check(right) == 0
    update = weights_image(retrained, render(retrained, CORE))
    assert update != right and check(update) == 0
    assert check(weights_image(other, render(other, CORE))) == -3
    assert check(right[:-1]) == -4
    for at in (HEADER_BYTES, len(right) // 2, len(right) - 1, 28):
        assert check(right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :]) == -4, at
    for at, error in ((0, -2), (4, -2), (8, -3), (12, -3), (16, -3)):
        assert check(right[:at] + bytes([right[at] ^ 1]) + right[at + 1 :]) == error, at
    assert check(bytes(len(right))) == check(b"\xff" * len(right)) == -2


def test_check_has_a_header_of_its_own() -> None:
    text = (folder("firmware") / "include" / "eq" / "check_weights.h").read_text()
    assert f"#define EQ_WEIGHTS_HEADER_BYTES {HEADER_BYTES}" in text
