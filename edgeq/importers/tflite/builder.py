"""The state of one import: which value of the graph each tensor of the file became, and how nodes are added."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from edgeq.errors import UsageError
from edgeq.importers.budget import Budget
from edgeq.importers.tflite.hints import type_hint
from edgeq.importers.tflite.raw import AGAIN, DTYPES, Problem, RawModel, RawOp, RawTensor, short_name
from edgeq.importers.tflite.tensors import QUANTIZED, SHIFT, Tensors, is_samples, is_whole
from edgeq.ir.graph import GraphEditor, State
from edgeq.ir.limits import TENSOR_ELEMENTS
from edgeq.ir.op import Op
from edgeq.ir.tensor import Array, DType, QParams, Shape, TensorType
from edgeq.ir.traits import Pattern
from edgeq.numerics.fixedpoint import Numerics
from edgeq.ops._requant import NO_CLAMP, Clamp
from edgeq.ops.requantize import Requantize, convert_legacy
from edgeq.ops.reshape import Reshape

FUSED_CLAMPS: dict[int, Clamp] = {
    0: NO_CLAMP,
    1: (0.0, float("inf")),
    2: (-1.0, 1.0),
    3: (0.0, 6.0),
}
FUSED_NAMES = {4: "TANH", 5: "SIGN_BIT"}
PORTS = {"UINT8": DType.UINT8, "BOOL": DType.BOOL}
"""Types of inputs and outputs that stand for int8 numbers inside."""
OUTPUTS = ("FLOAT32", "FLOAT16", "FLOAT64", *QUANTIZED)
CONSTANT_OUTPUT = "edgeq's outputs are real numbers or quantized ones: remove it from the model"


@dataclass(frozen=True)
class Variable:
    """What a model keeps from one run to the next.

    Attributes:
        before: the input of the graph that holds what the last run left; empty if no operator has read that.
        now: the value that it has after the operators imported so far.
        first: what it begins with, as `State.first`.
    """

    before: str
    now: str
    first: tuple[float, ...] = ()


def _example(tensor: RawTensor) -> str:
    """How an input's open dimensions, other than the batch, are given."""
    batch, *rest = tensor.signature or tensor.shape or (1,)
    return f"--input-shape {tensor.name}=" + "x".join(str(d) if d > 0 else "?" for d in (abs(batch), *rest))


WIDE = {"INT32": DType.INT32}
"""Types of quantized inputs and outputs that are 8-bit inside."""


class Builder(Tensors):
    """Collects the graph of one file; every operator's handler gets it.

    Handlers raise Problem for what they cannot take.
    """

    def __init__(
        self, model: RawModel, name: str, input_shapes: Mapping[str, Shape], budget: Budget | None = None
    ) -> None:
        super().__init__(model)
        self.budget = budget or Budget()
        self.editor = GraphEditor(name)
        self.values: dict[int, str] = {}
        """Tensor index → name of the value that holds it."""
        self.refused: dict[int, Problem] = {}
        """Inputs of the model that edgeq cannot take, and why: told of the operators that read them."""
        self.real: set[str] = set()
        """Names of the nodes whose outputs are real numbers in the file."""
        self.resources: dict[Hashable, Variable] = {}
        """Variable tensors, by their index, resource variables and circular buffers, by what tells one from another."""
        self.references: dict[int, Hashable] = {}
        """Tensors of the file that are references to variables."""
        self.widened: set[int] = set()
        """Tensors of integers that layers with real activations multiply with, as the real numbers they stand for."""
        self.reshaped = bool(input_shapes) or any(model.tensors[i].dynamic for i in model.inputs)
        """Whether shapes of activations may differ from those in the file."""
        self._constants: dict[tuple[int, str], str] = {}
        self._add_inputs(input_shapes)

    # Inputs and outputs of the graph

    def _add_inputs(self, input_shapes: Mapping[str, Shape]) -> None:
        names = [self.model.tensors[i].name for i in self.model.inputs]
        for name in input_shapes:
            if name not in names:
                raise UsageError(
                    f"the model has no input {name!r}",
                    hint=f"its inputs are {', '.join(names)}",
                    where=self.editor.name,
                )
        for index in self.model.inputs:
            tensor = self.model.tensors[index]
            if (tensor.signature or (0,))[0] == -1 and tensor.name not in input_shapes:
                self.editor.batch = "batch"
            shape = self._input_shape(tensor, input_shapes.get(tensor.name))
            inside = (
                is_whole(tensor)
                or is_samples(tensor)
                or tensor.dtype == "BOOL"
                or (tensor.dtype in WIDE and tensor.quant is not None)
            )
            try:
                q = self._input_q(tensor, inside)
            except Problem as problem:
                self.refused[index] = problem
                continue
            samples = DType.INT16 if is_samples(tensor) else DType.FLOAT32
            type = TensorType(shape, DType.INT32 if is_whole(tensor) else samples, q)
            self.values[index] = self.editor.input(self.editor.unique(tensor.name), type)

    def _input_q(self, tensor: RawTensor, inside: bool) -> QParams | None:
        """The parameters of an input; of bytes without a scale, such as pixels, those with which they are themselves.

        Raises:
            Problem: as `activation_q`.
        """
        if tensor.dtype == "BOOL":
            return self.truth_q()
        if tensor.dtype in SHIFT and tensor.quant is None:
            return QParams.per_tensor(1.0, -SHIFT[tensor.dtype]) if self.truth_q() else None
        return None if inside else self.activation_q(tensor)

    def _input_shape(self, tensor: RawTensor, requested: Shape | None) -> Shape:
        signature = tensor.signature or tensor.shape
        if requested is not None:
            fits = len(requested) == len(signature) and all(
                g > 0 and s in (-1, g) for g, s in zip(requested, signature, strict=True)
            )
            if not fits:
                raise UsageError(
                    f"the shape {tuple(requested)} given for input {tensor.name!r} does not fit {signature}",
                    hint=f"it has {len(signature)} dimensions, of which those of −1 are free: {_example(tensor)}",
                    where=self.editor.name,
                )
            return tuple(int(g) for g in requested)
        if -1 in signature[1:]:
            raise UsageError(
                f"the input {tensor.name!r} has open dimensions: {signature}",
                hint=f"give them with {_example(tensor)}",
                where=self.editor.name,
            )
        return tuple(1 if s == -1 else s for s in signature)

    def port(self, tensor: RawTensor, value: str) -> None:
        """Note the type in which a graph input or output is exchanged."""
        if tensor.dtype in PORTS:
            self.editor.ports[value] = PORTS[tensor.dtype]
        elif tensor.dtype in WIDE and tensor.quant is not None:
            if self.q_of(value) is None:
                raise Problem(f"tensor {tensor.label} is {tensor.dtype}", type_hint(tensor.dtype))
            self.editor.ports[value] = WIDE[tensor.dtype]
            scale, zero = float(tensor.quant.scale[0]), int(tensor.quant.zero_point[0])
            self.editor.outside[value] = QParams.per_tensor(scale, zero)

    def is_wide_input(self, index: int) -> bool:
        """Whether a tensor is a quantized input of the model that is wider than 8 bits."""
        tensor = self.model.tensors[index]
        return index in self.model.inputs and tensor.dtype in WIDE and tensor.quant is not None

    def outputs(self) -> None:
        """Name the graph's outputs as the file does.

        A value that already is an input or another output of the graph is copied first, and so is a constant.
        """
        for problem in self.refused.values():  # of an input that no operator reads
            raise problem
        for index in self.model.outputs:
            tensor = self.model.tensors[index]
            if self.is_constant(index) and (
                tensor.dtype not in OUTPUTS or (tensor.dtype in QUANTIZED and not tensor.quant)
            ):
                maker = next((f" that {op.kind} computes" for op in self.model.ops if index in op.outputs), "")
                bare = "" if tensor.quant else " without a scale"
                reason = f"the constant {tensor.label} is {tensor.dtype}{bare}, and an output{maker}"
                raise Problem(reason, CONSTANT_OUTPUT)
            value = self.value(index)
            if self.editor.values[value].data is not None:
                value = self._constant_output(tensor, value)
            elif value in self.editor.inputs or value in self.editor.outputs:
                value = self.step(Reshape(self.shape(value)), [value], tensor.name, self.q_of(value))
            if value != tensor.name:
                value = self._name_output(value, tensor.name)
            self.editor.outputs.append(value)
            self.port(tensor, value)
        for index, value in zip(self.model.inputs, self.editor.inputs[: len(self.model.inputs)], strict=True):
            self.port(self.model.tensors[index], value)
        self._states()
        self.editor.preferred = Numerics.TFLITE if self.quantized else Numerics.FAST

    def variable(self, key: Hashable, hint: str, type: TensorType, first: tuple[float, ...] = ()) -> str:
        """The value that a variable has now: what was assigned to it in this run, or else what the last run left.

        Args:
            key: what tells the variable from others.
            hint: its name.
            type: its shape and, where it is quantized, its parameters.
            first: what it begins with, as `State.first`.
        """
        if key not in self.resources:
            before = self.editor.input(self.editor.unique(hint), type)
            self.resources[key] = Variable(before, before, first)
        return self.resources[key].now

    def assign(self, key: Hashable, value: str) -> None:
        """Give a variable another value.

        Raises:
            Problem: the value has another shape than the variable.
        """
        known = self.resources.get(key, Variable("", ""))
        before = known.before
        if before:
            value = self.matched(value, self.q_of(before))
            if self.shape(value) != self.shape(before):
                raise Problem(f"a variable of shape {self.shape(before)} becomes {self.shape(value)}", AGAIN)
        self.resources[key] = Variable(before, value, known.first)

    def _states(self) -> None:
        """Make what a run leaves in each variable an output that the next run reads."""
        for variable in self.resources.values():
            before, now = variable.before, variable.now
            if not before:  # every run assigns it before it reads it
                continue
            constant = self.editor.values[now].data is not None
            if constant or now in self.editor.inputs or now in self.editor.outputs:
                now = self.step(Reshape(self.shape(now)), [now], f"{before}_after", self.q_of(before))
            self.editor.outputs.append(now)
            self.editor.states.append(State(before, now, variable.first))

    def _constant_output(self, tensor: RawTensor, value: str) -> str:
        """A constant of its own for an output that is the same for every input, such as the anchors of a detector."""
        constant = self.editor.values[value]
        assert constant.data is not None
        if constant.type.q is not None and constant.type.q.axis is not None:
            raise Problem(
                f"the output {tensor.label} is a constant with a scale for each channel",
                "edgeq's outputs have one scale: remove it from the model",
            )
        return self.editor.constant(f"{value}_output", constant.data, constant.type.q)

    def _name_output(self, value: str, name: str) -> str:
        """Give an output its name, which another tensor may already have; inputs and earlier outputs keep theirs."""
        if name in self.editor.values:
            if name in self.editor.inputs or name in self.editor.outputs:
                return value
            self._rename(name, self.editor.unique(name))
        return self._rename(value, name)

    def _rename(self, old: str, new: str) -> str:
        editor = self.editor
        editor.values = {
            new if k == old else k: replace(v, name=new) if k == old else v for k, v in editor.values.items()
        }
        for node in list(editor.nodes.values()):
            if old in node.outputs or old in node.inputs:
                renamed = replace(
                    node,
                    inputs=tuple(new if n == old else n for n in node.inputs),
                    outputs=tuple(new if n == old else n for n in node.outputs),
                )
                editor.replace_node(node.name, renamed)
        self.values = {k: new if v == old else v for k, v in self.values.items()}
        for key, kept in self.resources.items():
            before, now = (new if end == old else end for end in (kept.before, kept.now))
            self.resources[key] = Variable(before, now, kept.first)
        self.editor.inputs = [new if name == old else name for name in self.editor.inputs]
        return new

    # Values of tensors

    def constant(
        self,
        index: int,
        layout: str = "",
        permute: Sequence[int] = (),
        shape: Shape | None = None,
        infinite: bool = False,
    ) -> str:
        """A constant as a value of the graph: float32, int8 or int32 with parameters.

        Args:
            index: the tensor.
            layout: distinguishes several layouts of one tensor.
            permute: order of axes.
            shape: shape afterwards; an axis of parameters keeps its place from the end.
            infinite: whether elements may be infinite.

        Raises:
            Problem: a type edgeq does not know, or elements that are no numbers.
        """
        key = (index, layout)
        if key in self._constants:
            return self._constants[key]
        tensor = self.tensor(index)
        data = self.stored(index)
        assert data is not None
        data, q = self.signed(tensor, data)
        if data.dtype.kind == "f" and (np.isnan(data).any() if infinite else not np.all(np.isfinite(data))):
            what = "NaN" if infinite else "NaN or infinite values"
            raise Problem(f"the constant {tensor.label} holds {what}", "train or export the model again")
        if permute:
            data = data.transpose(tuple(permute))
            if q is not None and q.axis is not None:
                q = replace(q, axis=list(permute).index(q.axis))
        if shape is not None:
            if q is not None and q.axis is not None:
                q = replace(q, axis=q.axis - data.ndim + len(shape))
            data = data.reshape(shape)
        self.budget.stored(data.nbytes)
        name = self.editor.constant(short_name(tensor.name), data, q)
        self._constants[key] = name
        return name

    def real_constant(self, index: int, layout: str = "real", infinite: bool = False) -> str:
        """A constant dequantized to float32: weights stored small in a model that computes in float."""
        name = self.constant(index, layout, infinite=infinite)
        value = self.editor.values[name]
        if value.type.q is None or value.data is None:
            return name
        del self.editor.values[name]
        real = self.editor.constant(name, value.type.q.dequantize(value.data))
        self._constants[(index, layout)] = real
        return real

    def value(self, index: int) -> str:
        """The value of a tensor, constant or computed.

        Raises:
            Problem: nothing computed it before.
        """
        if index in self.values:
            return self.values[index]
        tensor = self.tensor(index)
        if self.is_constant(index):
            return self.constant(index)
        raise Problem(f"tensor {tensor.label} is read before anything computes it")

    def operand(self, op: RawOp, position: int, infinite: bool = False) -> str:
        """The value of an operand; an int8 constant is made float where the operator computes in float.

        `infinite`: whether elements of a float constant may be infinite.
        """
        if position >= len(op.inputs):
            raise Problem(f"it has {len(op.inputs)} input{'' if len(op.inputs) == 1 else 's'}", AGAIN)
        index = op.inputs[position]
        tensor = self.tensor(index)
        if index not in self.values and self.is_constant(index) and not self.is_quantized(op):
            return self.real_constant(index, infinite=infinite)
        if index in self.values and self.activation_q(tensor) is not None:
            self._check_result(op, tensor)
        return self.value(index)

    def _check_result(self, op: RawOp, tensor: RawTensor) -> None:
        """Refuse real results of integers: converters write them where they take the change of types off the inputs."""
        result = self.model.tensors[op.outputs[0]]
        if result.dtype == "FLOAT32" and not op.kind.startswith("CUSTOM"):
            raise Problem(
                f"it gives real numbers of {tensor.label}, which is {tensor.dtype}",
                "convert the model with real inputs and outputs: edgeq gives those of the program the integers' types",
            )

    def whole(self, op: RawOp, position: int) -> str | None:
        """The value of an operand that holds computed whole numbers; None if it does not."""
        index = op.inputs[position] if position < len(op.inputs) else -1
        value = self.values.get(index)
        return value if value is not None and self.editor.values[value].type.is_whole else None

    def is_quantized(self, op: RawOp) -> bool:
        """Whether an operator computes with integers: its output has some."""
        return self.model.tensors[op.outputs[0]].dtype in QUANTIZED

    def shape(self, name: str) -> Shape:
        """The shape of a value."""
        return self.editor.values[name].type.shape

    def q_of(self, name: str) -> QParams | None:
        """The parameters of a value."""
        return self.editor.values[name].type.q

    # Adding nodes

    def clamp(self, op: RawOp) -> Clamp:
        """The bounds of the activation fused into an operator.

        Raises:
            Problem: it is not a clamp.
        """
        code = op.option("FusedActivationFunction")
        if code not in FUSED_CLAMPS:
            raise Problem(
                f"it has the fused activation {FUSED_NAMES.get(code, code)}", "use ReLU, ReLU6 or a separate operator"
            )
        return FUSED_CLAMPS[code]

    def _add(self, op: Op, inputs: Sequence[str | None], name: str, q: QParams | None) -> str:
        return self._add_all(op, inputs, name, [name], [q])[0]

    def _add_all(
        self, op: Op, inputs: Sequence[str | None], name: str, outputs: Sequence[str], qs: Sequence[QParams | None]
    ) -> tuple[str, ...]:
        try:
            shapes = op.out_shapes([None if i is None else self.shape(i) for i in inputs])
        except ValueError as error:
            raise Problem(str(error)) from error
        for shape in shapes:
            size = 1
            for d in shape:
                size *= max(d, 0)
            if size > TENSOR_ELEMENTS or size == 0:
                raise Problem(f"its output has shape {shape}")
        if len(shapes) != len(outputs):
            raise Problem(f"it has {len(outputs)} outputs where {len(shapes)} are computed")
        moves = op.is_view or op.pattern is Pattern.MOVEMENT
        moved = moves and any(i is not None and self.editor.values[i].type.is_whole for i in inputs[:1])
        kind = self.editor.values[inputs[0]].type.dtype if moved and inputs[0] is not None else DType.FLOAT32
        dtypes = [op.whole_type(k) if op.gives_whole else kind for k in range(len(shapes))]
        types = [TensorType(s, d, q) for s, d, q in zip(shapes, dtypes, qs, strict=True)]
        return self.editor.add(op, inputs, name, outputs, types)

    def step(self, op: Op, inputs: Sequence[str | None], hint: str, q: QParams | None) -> str:
        """Add a node the file does not have (a reshape around an operator …); returns its output."""
        return self._add(op, inputs, self.editor.unique(hint), q)

    def steps(self, op: Op, inputs: Sequence[str | None], hint: str, qs: Sequence[QParams | None]) -> tuple[str, ...]:
        """`step` for a node with several outputs."""
        name = self.editor.unique(hint)
        outputs = [name, *(self.editor.unique(f"{name}:{k}") for k in range(1, len(qs)))]
        return self._add_all(op, inputs, name, outputs, qs)

    def emit(self, raw: RawOp, op: Op, inputs: Sequence[str | None], outputs: Sequence[int] | None = None) -> None:
        """Add the node that computes an operator's outputs, and check them against the shapes in the file."""
        indices = raw.outputs if outputs is None else outputs
        if not indices:
            raise Problem("it has no output")
        names: list[str] = []
        for index in indices:
            tensor = self.tensor(index)
            if index in self.values or self.is_constant(index):
                raise Problem(f"tensor {tensor.label} is computed twice")
            hint = tensor.name if index in self.model.outputs else short_name(tensor.name)
            name, count = self.editor.unique(hint), 1
            while name in names:
                count += 1
                name = self.editor.unique(f"{hint}_{count}")
            names.append(name)
        moves = op.is_view or op.pattern is Pattern.MOVEMENT
        read = self.moved_q if moves else self.activation_q
        qs = [None if op.gives_whole else read(self.tensor(i)) for i in indices]
        node = self.editor.unique(short_name(names[0]))
        if not self.is_quantized(raw):
            self.real.add(node)
        for index, name in zip(indices, self._add_all(op, inputs, node, names, qs), strict=True):
            self.bind(index, name)

    def bind(self, index: int, name: str) -> None:
        """Bind a tensor of the file to a value of the graph.

        Raises:
            Problem: the file declares another shape.
        """
        tensor, shape = self.model.tensors[index], self.shape(name)
        if not self.reshaped and not tensor.dynamic and tensor.shape not in ((), shape):
            raise Problem(f"the file says {tensor.shape} where the operator gives {shape}")
        self.values[index] = name

    def fold(self, index: int, data: Array) -> None:
        """Bind a tensor to a constant; `data` has the tensor's stored type."""
        tensor = self.model.tensors[index]
        if tensor.dtype not in DTYPES:
            raise Problem(f"tensor {tensor.label} is {tensor.dtype}")
        self.folded[index] = np.asarray(data, DTYPES[tensor.dtype])
        self.budget.folded(self.folded[index])

    def matched(self, name: str, q: QParams | None, legacy: bool = False) -> str:
        """The value `name`, or the same tensor requantized to `q` where its parameters differ.

        Scales that differ by less than 10⁻⁵ of their value count as the same: files are not exact there, and operators
        that only move data copy the integers.

        Args:
            name: the value.
            q: the parameters; None leaves it as it is.
            legacy: convert as LiteRT does in CONCATENATION of uint8 tensors, all scales taken exactly.
        """
        own = self.q_of(name)
        if q is None or own is None or own == q:
            return name
        if not legacy and own.zp == q.zp and own.stored is q.stored and abs(own.s - q.s) <= 1e-5 * q.s:
            return name
        value = self.editor.values[name]
        if value.data is None:
            return self.step(Requantize(legacy), [name], f"{name}/requantize", q)
        if legacy:
            x, y = (TensorType(value.type.shape, DType.INT8, p) for p in (own, q))
            return self.editor.constant(name, convert_legacy(x, y, value.data), q)
        return self.editor.constant(name, q.quantize(own.dequantize(value.data), q.integers), q)

    def is_legacy(self, op: RawOp) -> bool:
        """Whether an operator computes in uint8, as older files do."""
        return self.model.tensors[op.outputs[0]].dtype == "UINT8"

    def output_q(self, op: RawOp) -> QParams | None:
        """The parameters of an operator's first output."""
        return self.activation_q(self.tensor(op.outputs[0]))
