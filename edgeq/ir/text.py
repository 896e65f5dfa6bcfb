"""A graph as text, for people, diffs and tests, and back.

    graph net numerics=tflite preferred=tflite
    input %x: uint8[1,8,8,3] q(0.5, -128) port uint8
    const %w: int8[2,3,3,3] q(axis 0: 0.01 0.02; 0)
    %y: int8[1,8,8,2] q(0.1, -128) = Conv2D(%x, %w, none) {padding=(1, 1, 1, 1), clamp=(0.0, inf)}  # conv
    output %y

A line `state %before <- %after` after the outputs says that one of them is an input of the next step; `from` and its
real elements follow, or one that they all are, where it does not begin with zero. Attributes with
their default value are left out, as is a node's name that equals its first output's. A name that is not plain is a JSON
string. Scales are Python's shortest exact decimals. The elements of constants are kept beside the text.
"""

from __future__ import annotations

import ast
import io
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import MISSING, fields
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np

from edgeq.errors import InternalError, ModelError, UsageError
from edgeq.ir.graph import Graph, Node, State, Value
from edgeq.ir.op import Op, registry
from edgeq.ir.tensor import Array, DType, Groups, QParams, TensorType
from edgeq.numerics.fixedpoint import Numerics

_PLAIN = r"(?:[A-Za-z0-9_./;\-]|:(?=[A-Za-z0-9]))+"
_NAME = re.compile(rf'{_PLAIN}|"(?:[^"\\]|\\.)*"')
_TYPE = re.compile(r"(\w+)\[([\d,]*)\]")
_Q = re.compile(r"q\(([^)]*)\)")
_WORD = re.compile(r"\w+")
_NUMBERS = re.compile(r"[^#]+")
_BRACES = re.compile(r"""((?:[^'"}]|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")*)\}""")


def _name(name: str) -> str:
    return name if re.fullmatch(_PLAIN, name) else json.dumps(name)


def _literal(value: Any) -> str:
    if value is None or isinstance(value, (bool, str)):
        return repr(value)
    if isinstance(value, Integral):
        return repr(int(value))
    if isinstance(value, Real):
        return repr(float(value))
    if isinstance(value, (tuple, list)):
        inner = ", ".join(_literal(v) for v in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    raise InternalError(f"an attribute of type {type(value).__name__} has no text")


def _qparams(q: QParams) -> str:
    if q.axis is None:
        stored = "" if q.stored is None else f", {q.stored.value}"
        return f"q({q.s!r}, {q.zp}{stored})"
    zeros = q.zero_point[:1] if len(set(q.zero_point)) == 1 else q.zero_point
    block = "" if q.block is None else f" block {q.block}"
    groups = "" if q.groups is None else f"; groups {_groups_text(q.groups)}"
    return f"q(axis {q.axis}{block}: {' '.join(map(repr, q.scale))}; {' '.join(map(str, zeros))}{groups})"


def _groups_text(groups: Groups) -> str:
    zeros = f" zeros {' '.join(map(str, groups.zeros))}" if groups.zeros else ""
    return f"{groups.size}: {' '.join(map(str, groups.factors))}{zeros}"


def _type(type: TensorType) -> str:
    text = f"{type.dtype.value}[{','.join(map(str, type.shape))}]"
    return text if type.q is None else f"{text} {_qparams(type.q)}"


def _attributes(op: Op) -> str:
    shown = []
    for item in fields(op):
        value = getattr(op, item.name)
        if item.default is MISSING or value != item.default:
            shown.append(f"{item.name}={_literal(value)}")
    return f" {{{', '.join(shown)}}}" if shown else ""


def print_graph(graph: Graph) -> str:
    """The graph as text; one line per input, constant, node, output and state."""

    def port(name: str) -> str:
        if name not in graph.ports:
            return ""
        q = graph.outside.get(name)
        return f" port {graph.ports[name].value}{'' if q is None else f' {_qparams(q)}'}"

    numerics = "none" if graph.numerics is None else graph.numerics.value
    lines = [f"graph {_name(graph.name)} numerics={numerics} preferred={graph.preferred.value}"]
    lines[0] += "" if graph.batch is None else f" batch={_name(graph.batch)}"
    lines += [f"input %{_name(n)}: {_type(graph.type(n))}{port(n)}" for n in graph.inputs]
    lines += [f"const %{_name(n)}: {_type(v.type)}" for n, v in graph.values.items() if v.data is not None]
    for node in graph.nodes:
        outputs = ", ".join(f"%{_name(n)}: {_type(graph.type(n))}" for n in node.outputs)
        operands = ", ".join("none" if n is None else f"%{_name(n)}" for n in node.inputs)
        name = "" if node.outputs[:1] == (node.name,) else f"  # {_name(node.name)}"
        lines.append(f"{outputs} = {node.op.kind}({operands}){_attributes(node.op)}{name}")
    lines += [f"output %{_name(n)}{port(n)}" for n in graph.outputs]
    for s in graph.states:
        first = f" from {', '.join(map(repr, s.first))}" if s.first else ""
        lines.append(f"state %{_name(s.input)} <- %{_name(s.output)}{first}")
    return "\n".join(lines) + "\n"


class _Line:
    """A cursor over one line."""

    def __init__(self, text: str, number: int) -> None:
        self.text, self.number, self.at = text, number, 0

    def fail(self, message: str) -> ModelError:
        return ModelError(message, hint=f"in: {self.text}", where=f"line {self.number}")

    def maybe(self, token: str) -> bool:
        present = self.text.startswith(token, self.at)
        self.at += len(token) if present else 0
        return present

    def expect(self, token: str) -> None:
        if not self.maybe(token):
            raise self.fail(f"{token!r} is expected at column {self.at + 1}")

    def match(self, pattern: re.Pattern[str], what: str) -> re.Match[str]:
        match = pattern.match(self.text, self.at)
        if match is None:
            raise self.fail(f"{what} is expected at column {self.at + 1}")
        self.at = match.end()
        return match

    def end(self) -> None:
        if self.at != len(self.text):
            raise self.fail(f"nothing more is expected at column {self.at + 1}")

    def name(self) -> str:
        text = self.match(_NAME, "a name").group()
        if not text.startswith('"'):
            return text
        try:
            return str(json.loads(text))
        except ValueError as error:
            raise self.fail(f"{text} is not a name") from error

    def numbers(self) -> tuple[float, ...]:
        text = self.match(_NUMBERS, "numbers").group()
        try:
            return tuple(map(float, text.split(", ")))
        except ValueError as error:
            raise self.fail(f"{text!r} are not numbers") from error

    def value(self) -> str:
        self.expect("%")
        return self.name()

    def dtype(self, text: str) -> DType:
        try:
            return DType(text)
        except ValueError as error:
            raise self.fail(f"{text!r} is not an element type") from error

    def numerics(self) -> Numerics | None:
        text = self.match(_WORD, "a name of numerics").group()
        try:
            return None if text == "none" else Numerics(text)
        except ValueError as error:
            raise self.fail(f"{text!r} is not the name of numerics") from error

    def qparams(self) -> QParams:
        inner = self.match(_Q, "q(…)").group(1)
        try:
            if not inner.startswith("axis"):
                scale, zero, *stored = inner.split(",")
                return QParams((float(scale),), (int(zero),), stored=DType(stored[0].strip()) if stored else None)
            head, rest = inner.split(":", 1)
            scale_text, zero_text, *groups = rest.split(";")
            scales, zeros = tuple(map(float, scale_text.split())), tuple(map(int, zero_text.split()))
            axis, _, block = head[len("axis") :].partition("block")
            zeros = zeros * len(scales) if len(zeros) == 1 else zeros
            return QParams(
                scales, zeros, int(axis), int(block) if block else None, groups=_groups(*groups) if groups else None
            )
        except ValueError as error:
            raise self.fail("the quantization parameters cannot be read") from error

    def type(self) -> TensorType:
        match = self.match(_TYPE, "a type")
        shape = tuple(int(n) for n in match.group(2).split(",") if n)
        return TensorType(shape, self.dtype(match.group(1)), self.parameters())

    def parameters(self) -> QParams | None:
        """Quantization parameters, if they come next."""
        return self.qparams() if self.text.startswith(" q(", self.at) and self.maybe(" ") else None

    def typed_value(self) -> tuple[str, TensorType]:
        name = self.value()
        self.expect(": ")
        return name, self.type()

    def port(self) -> DType | None:
        return self.dtype(self.match(_WORD, "an element type").group()) if self.maybe(" port ") else None

    def attributes(self) -> dict[str, Any]:
        """The attributes up to the closing brace, read as the keywords of a call."""
        inner = self.match(_BRACES, "a closing brace").group(1)
        try:
            call = ast.parse(f"f({inner})", mode="eval").body
            if not isinstance(call, ast.Call) or call.args:
                raise ValueError
            return {str(item.arg): _evaluate(item.value) for item in call.keywords}
        except (SyntaxError, ValueError) as error:
            raise self.fail("the attributes cannot be read") from error

    def op(self, kind: str, attributes: dict[str, Any]) -> Op:
        try:
            return registry()[kind](**attributes)
        except KeyError as error:
            raise self.fail(f"{kind!r} is not an operator") from error
        except (TypeError, ValueError) as error:
            raise self.fail(f"{kind} does not take these attributes") from error


def _groups(text: str) -> Groups:
    size, _, entries = text.strip().removeprefix("groups").partition(":")
    factors, _, zeros = entries.partition("zeros")
    return Groups(int(size), tuple(map(int, factors.split())), tuple(map(int, zeros.split())))


def _evaluate(node: ast.expr) -> Any:
    """A literal: numbers with inf and nan, strings, truth values, None, tuples."""
    if isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float, str, type(None))):
        return node.value
    if isinstance(node, ast.Tuple):
        return tuple(_evaluate(item) for item in node.elts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _evaluate(node.operand)
        if isinstance(inner, (int, float)):
            return -inner
    if isinstance(node, ast.Name) and node.id in ("inf", "nan"):
        return float(node.id)
    raise ValueError


class _Parser:
    def __init__(self, constants: Mapping[str, Array]) -> None:
        self.constants = constants
        self.values: dict[str, Value] = {}
        self.nodes: list[Node] = []
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.ports: dict[str, DType] = {}
        self.outside: dict[str, QParams] = {}
        self.states: list[State] = []

    def define(self, line: _Line, name: str, type: TensorType, data: Array | None = None) -> None:
        if name in self.values:
            raise line.fail(f"%{_name(name)} is defined twice")
        self.values[name] = Value(name, type, data)

    def known(self, line: _Line) -> str:
        name = line.value()
        if name not in self.values:
            raise line.fail(f"%{_name(name)} is not defined above")
        return name

    def input(self, line: _Line) -> None:
        name, type = line.typed_value()
        self.define(line, name, type)
        self.inputs.append(name)
        self.set_port(line, name)

    def set_port(self, line: _Line, name: str) -> None:
        port = line.port()
        if port is not None:
            self.ports[name] = port
            q = line.parameters()
            if q is not None:
                self.outside[name] = q

    def const(self, line: _Line) -> None:
        name, type = line.typed_value()
        if name not in self.constants:
            raise line.fail(f"the elements of %{_name(name)} are not given")
        data = self.constants[name]
        if data.shape != type.shape or data.dtype != type.dtype.numpy:
            raise line.fail(f"the elements of %{_name(name)} are {data.dtype}{list(data.shape)}")
        self.define(line, name, type, data)

    def output(self, line: _Line) -> None:
        name = self.known(line)
        self.outputs.append(name)
        self.set_port(line, name)

    def state(self, line: _Line) -> None:
        name = self.known(line)
        line.expect(" <- ")
        after = self.known(line)
        first = line.numbers() if line.maybe(" from ") else ()
        if len(first) not in (0, 1, self.values[name].type.size):
            raise line.fail(f"%{_name(name)} has {self.values[name].type.size} elements, not {len(first)}")
        self.states.append(State(name, after, first))

    def node(self, line: _Line) -> None:
        outputs = [line.typed_value()]
        while line.maybe(", "):
            outputs.append(line.typed_value())
        line.expect(" = ")
        kind = line.match(_WORD, "an operator").group()
        line.expect("(")
        inputs: list[str | None] = []
        while not line.maybe(")"):
            if inputs:
                line.expect(", ")
            inputs.append(None if line.maybe("none") else self.known(line))
        attributes = line.attributes() if line.maybe(" {") else {}
        name = line.name() if line.maybe("  # ") else outputs[0][0]
        for out, type in outputs:
            self.define(line, out, type)
        if any(node.name == name for node in self.nodes):
            raise line.fail(f"two nodes have the name {name!r}")
        self.nodes.append(Node(name, line.op(kind, attributes), tuple(inputs), tuple(n for n, _ in outputs)))


def parse_graph(text: str, constants: Mapping[str, Array]) -> Graph:
    """The graph whose text `print_graph` returned; empty lines are skipped.

    Args:
        text: what `print_graph` returned.
        constants: elements of every constant, by name.

    Raises:
        ModelError: a line cannot be read, or a constant's elements are absent or of another type; names the line.
    """
    lines = [_Line(content, k) for k, content in enumerate(text.split("\n"), 1) if content.strip()]
    if not lines:
        raise ModelError("the text of a graph is empty")
    head, *rest = lines
    head.expect("graph ")
    name = head.name()
    head.expect(" numerics=")
    numerics = head.numerics()
    head.expect(" preferred=")
    preferred = head.numerics()
    if preferred is None:
        raise head.fail("'preferred' names numerics")
    batch = head.name() if head.maybe(" batch=") else None
    head.end()
    parser = _Parser(constants)
    for line in rest:
        if line.maybe("input "):
            parser.input(line)
        elif line.maybe("const "):
            parser.const(line)
        elif line.maybe("output "):
            parser.output(line)
        elif line.maybe("state "):
            parser.state(line)
        else:
            parser.node(line)
        line.end()
    return Graph(
        name=name,
        values=parser.values,
        nodes=tuple(parser.nodes),
        inputs=tuple(parser.inputs),
        outputs=tuple(parser.outputs),
        numerics=numerics,
        preferred=preferred,
        ports=parser.ports,
        outside=parser.outside,
        states=tuple(parser.states),
        batch=batch,
    )


def _files(stem: Path | str) -> tuple[Path, Path]:
    return Path(f"{stem}.txt"), Path(f"{stem}.npz")


def graph_files(graph: Graph, stem: str) -> dict[str, bytes]:
    """What `save_graph` writes: contents by name. The same graph gives the same bytes.

    The arrays are named c0, c1, … in the order of the text's `const` lines.
    """
    text, arrays = _files(stem)
    packed = io.BytesIO()
    constants = [v.data for v in graph.values.values() if v.data is not None]
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for k, data in enumerate(constants):
            member = io.BytesIO()
            np.lib.format.write_array(member, data, version=(1, 0), allow_pickle=False)
            entry = zipfile.ZipInfo(f"c{k}.npy", (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, whatever the system is
            archive.writestr(entry, member.getvalue())
    return {text.as_posix(): print_graph(graph).encode(), arrays.as_posix(): packed.getvalue()}


def save_graph(graph: Graph, stem: Path | str) -> None:
    """Write `<stem>.txt` and `<stem>.npz` (`graph_files`).

    Raises:
        UsageError: a file cannot be written.
    """
    try:
        for name, content in graph_files(graph, str(stem)).items():
            Path(name).write_bytes(content)
    except OSError as error:
        raise UsageError(f"the graph cannot be written: {error.strerror}", where=str(stem)) from error


def load_graph(stem: Path | str) -> Graph:
    """Read what `save_graph` wrote.

    Raises:
        UsageError: a file is missing or cannot be read.
        ModelError: their contents are not a graph.
    """
    text_file, array_file = _files(stem)
    try:
        text = text_file.read_text(encoding="utf-8")
        with np.load(array_file, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
    except OSError as error:
        raise UsageError(f"the graph cannot be read: {error.strerror}", where=str(stem)) from error
    except Exception as error:  # numpy, zipfile and zlib each raise their own
        raise ModelError("the files of the graph are damaged", where=str(stem)) from error
    lines = [_Line(content, k) for k, content in enumerate(text.split("\n"), 1)]
    names = [line.typed_value()[0] for line in lines if line.maybe("const ")]
    return parse_graph(text, {name: arrays[f"c{k}"] for k, name in enumerate(names) if f"c{k}" in arrays})
