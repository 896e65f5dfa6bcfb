"""Constants as C text."""

from __future__ import annotations

import subprocess
from pathlib import Path

import needs
import numpy as np
import pytest
from small_net import small_net

from edgeq.codegen.literals import (
    LONG,
    WIDTH,
    Constant,
    array_declaration,
    array_definition,
    float_literal,
    instance,
    is_long,
    scalar_literal,
    split_params,
    struct_definition,
    wrapped,
)
from edgeq.codegen.names import Names, identifier, symbol_prefix
from edgeq.resources import folder


def test_array() -> None:
    constant = Constant("w", np.array([[1, -128], [127, 0]], np.int8))
    assert array_definition(constant) == "static const EQ_ALIGN(4) int8_t w[4] = {\n    1, -128, 127, 0,\n};\n"
    assert array_declaration(constant, "extern") == "extern const EQ_ALIGN(4) int8_t w[4]"
    assert array_definition(Constant("b", np.array([-(2**31), 5], np.int32)), "") == (
        "const int32_t b[2] = {\n    -2147483647 - 1, 5,\n};\n"
    )


def test_no_line_is_too_long_and_no_element_is_lost() -> None:
    values = np.random.default_rng(0).integers(-128, 128, 1000).astype(np.int8)
    text = array_definition(Constant("w", values))
    assert max(map(len, text.splitlines())) <= WIDTH
    body = text[text.index("{") + 1 : text.index("}")]
    assert [int(v) for v in body.replace("\n", " ").split(",") if v.strip()] == values.tolist()
    assert wrapped(["x" * 200]) == "    " + "x" * 200 + ","


@pytest.mark.parametrize("value", [1.0, 0.1, -3e-9, 1e30, 1 / 3, 16777216.0])
def test_floats_are_exact(value: float) -> None:
    text = float_literal(value)
    assert text.endswith("f")
    assert any(c in text for c in ".e")
    assert np.float32(text[:-1]) == np.float32(value)


def test_scalars() -> None:
    assert scalar_literal(np.int16(-5)) == "-5"
    assert scalar_literal(-(2**63)) == "-9223372036854775807 - 1"
    assert scalar_literal(0.5) == "0.5f"


def test_unknown_element_type() -> None:
    with pytest.raises(ValueError, match="complex128"):
        array_definition(Constant("c", np.array([1j])))


def test_params() -> None:
    params = {
        "n": np.int32(3),
        "w": np.arange(2, dtype=np.int8),
        "none": np.zeros(0, np.int8),
        "dims": (1, 2),
        "s": (0.5, 2.0),
    }
    constants, members = split_params("p", params)
    assert [c.name for c in constants] == ["p_w"]
    assert struct_definition("eq_x", "p", members) == (
        "static const eq_x p = {\n    .n = 3, .w = p_w, .none = 0, .dims = {1, 2}, .s = {0.5f, 2.0f},\n};\n"
    )


def test_instance() -> None:
    graph = small_net()
    node = graph.producers["body"]
    site = graph.site(node)
    text, name = instance([kernel for kernel in node.op.kernels if kernel.takes(site)][-1], site)
    assert name == "params"
    assert "static const EQ_ALIGN(4) int8_t params_weights[324] = {" in text
    assert text.endswith("};\n")
    assert "static const eq_conv2d_params params = {" in text


def test_names() -> None:
    assert identifier("Conv/2D:0") == "conv_2d_0"
    assert identifier("übergröße") == "bergr_e"
    assert identifier("***") == "x"
    assert symbol_prefix("3net") == "m_3net"
    assert symbol_prefix("EQ") == "m_eq"
    assert symbol_prefix("eq_net") == "m_eq_net"
    assert symbol_prefix("equal") == "equal"
    names = Names()
    assert [names.take(n) for n in ("a b", "a_b", "a-b_2", "a/b")] == ["a_b", "a_b_2", "a_b_2_2", "a_b_3"]


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_long_arrays_of_bytes(dtype: type, tmp_path: Path) -> None:
    """Every byte before every other one, as a string that no compiler complains of, is the same array."""
    array = np.array([(a, b) for a in range(256) for b in range(256)], np.uint8).view(dtype).ravel()
    constant = Constant("bytes", array)
    assert is_long(constant) and not is_long(Constant("few", array[: LONG - 1]))
    assert not is_long(Constant("words", array.view(np.int32)))
    definition = array_definition(constant, "", strings=True)
    assert max(map(len, definition.splitlines())) <= WIDTH
    (tmp_path / "bytes.c").write_text(
        '#include <stdint.h>\n#include <stdio.h>\n#include "eq/align.h"\n#include "eq/strings.h"\n'
        f"{array_declaration(constant, 'extern')};\n{definition}"
        "int main(void)\n{\n    return fwrite(bytes, sizeof bytes, 1, stdout) == 1 ? 0 : 1;\n}\n"
    )
    flags = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
    include = f"-I{folder('firmware') / 'include'}"
    for compiler in ("gcc", "clang"):
        command = [*needs.warnings_of(compiler), *flags, include, "bytes.c"]
        subprocess.run(command, cwd=tmp_path, check=True, timeout=300)
    subprocess.run(["gcc", *flags, include, "bytes.c", "-o", "bytes"], cwd=tmp_path, check=True, timeout=120)
    written = subprocess.run([tmp_path / "bytes"], capture_output=True, check=True, timeout=60)
    assert written.stdout == array.tobytes()
