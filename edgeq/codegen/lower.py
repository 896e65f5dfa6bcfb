"""From an integer graph to a program: a kernel for every node, a place for every tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from edgeq.codegen.capacity import check_capacity
from edgeq.codegen.literals import Constant, Member, split_params
from edgeq.codegen.names import Names, symbol_prefix
from edgeq.codegen.program import KernelCall, Occupant, Place, Port, Program
from edgeq.codegen.weights import INLINE, WeightsPlace
from edgeq.errors import InternalError, ModelError
from edgeq.ir.graph import Graph, Node
from edgeq.ir.kernel import Goal, Kernel, Library, Wanted
from edgeq.ir.op import Site
from edgeq.memory import Plan, Read, Schedule, Step, arrange, liveness, storage
from edgeq.target import Target


@dataclass(frozen=True, eq=False)
class Choice:
    """A node and the kernel that computes it."""

    node: Node
    site: Site
    kernel: Kernel


def choose(graph: Graph, wanted: Wanted, target: str = "") -> tuple[Choice, ...]:
    """A kernel for every node that needs one.

    Raises:
        ModelError: no kernel takes one or more nodes; all of them are named.
    """
    found: list[Choice] = []
    lacking: list[str] = []
    for node in graph.nodes:
        if node.op.is_view:
            continue
        site = graph.site(node)
        kernel = wanted.choose(site)
        if kernel is None:
            lacking.append(f"{node.name} ({node.op.kind}: {', '.join(_shape(t) for t in site.inputs)})")
        else:
            found.append(Choice(node, site, kernel))
    if lacking:
        raise ModelError(
            f"no kernel for {'; '.join(lacking)}",
            hint="`edgeq ops` lists what each operator takes; replace the layer in the model or leave it to the caller",
            where=target,
        )
    return tuple(found)


def _shape(type: object) -> str:
    return str(getattr(type, "shape", None))


def runtime_inputs(graph: Graph, choice: Choice, roots: Mapping[str, str]) -> tuple[tuple[int, str], ...]:
    """Index and name of the node's inputs that are computed when the model runs."""
    return tuple((i, n) for i, n in enumerate(choice.node.inputs) if n is not None and n in roots)


def schedule(graph: Graph, choices: Sequence[Choice], roots: Mapping[str, str]) -> Schedule:
    """The calls as the memory planner sees them. Values that share storage are one buffer, named after its root."""
    steps = []
    for choice in choices:
        overlaps = choice.kernel.overlap(choice.site)
        exactly = choice.kernel.exactly(choice.site)
        reads = tuple(Read(roots[name], overlaps[i], exactly[i]) for i, name in runtime_inputs(graph, choice, roots))
        steps.append(Step(choice.node.name, reads, choice.node.outputs, choice.kernel.scratch(choice.site)))
    buffers = dict.fromkeys([*graph.inputs, *(w for s in steps for w in s.writes)])
    return Schedule(
        sizes={name: graph.type(name).nbytes for name in buffers},
        inputs=graph.inputs,
        outputs=tuple(dict.fromkeys(roots[name] for name in graph.outputs)),
        steps=tuple(steps),
    )


class _Constants:
    """Collects constants; equal arrays become one."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bytes], str] = {}
        self._names = Names()
        self.kept: list[Constant] = []

    def add(self, prefix: str, choice: Choice) -> dict[str, Member]:
        """The members of a call's parameters."""
        constants, members = split_params(prefix, choice.kernel.lower(choice.site))
        renamed = {}
        for constant in constants:
            array = constant.array
            key = (array.dtype.name, array.tobytes())
            if key not in self._known:
                self._known[key] = self._names.take(constant.name)
                self.kept.append(Constant(self._known[key], array))
            renamed[constant.name] = self._known[key]
        return {k: renamed.get(v, v) if isinstance(v, str) else v for k, v in members.items()}


def _ports(
    graph: Graph, roots: Mapping[str, str], found: Plan, direct: frozenset[str]
) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
    def many(side: str, values: Sequence[str]) -> tuple[Port, ...]:
        names = Names()
        single = len(values) == 1
        ports = []
        for value in values:
            id = side if single else f"{side}_{names.take(value)}"
            ports.append(Port(value, id, graph.type(value), found.offsets[roots[value]], value in direct))
        return tuple(ports)

    return many("input", graph.inputs), many("output", graph.outputs)


def occupants(planned: Schedule, found: Plan) -> tuple[Occupant, ...]:
    """What lies in the arena and when, in order of first use."""
    made = []
    for name, span in liveness(planned).items():
        given, taken = name in planned.inputs, name in planned.outputs
        kind: Literal["input", "output", "tensor"] = "input" if given else "output" if taken else "tensor"
        made.append(Occupant(name, kind, found.offsets[name], planned.sizes[name], span.first, span.last))
    for index, (step, offset) in enumerate(zip(planned.steps, found.scratch, strict=True)):
        if step.scratch > 0:
            made.append(Occupant(step.name, "scratch", offset, step.scratch, index, index))
    return tuple(sorted(made, key=lambda o: (o.first, o.kind == "scratch")))


def _check(graph: Graph, roots: Mapping[str, str]) -> None:
    if graph.numerics is None:
        raise InternalError("only an integer graph can become a program", hint="quantize it first")
    if not graph.outputs:
        raise ModelError("the model has no output", where=graph.name)
    fixed = [name for name in graph.outputs if name not in roots]
    if fixed:
        raise ModelError(
            f"the output {fixed[0]!r} does not depend on any input",
            hint="remove it from the model's outputs",
            where=graph.name,
        )


def lower(
    graph: Graph,
    target: Target,
    name: str | None = None,
    optimize: Goal = "balanced",
    kernels: Library = "edgeq",
    weights: WeightsPlace = INLINE,
) -> Program:
    """Turn an integer graph into a program for `target`.

    Args:
        graph: an integer graph.
        target: decides which kernels can be used.
        name: what the model's symbols start with; by default made from the graph's name.
        optimize: speed, balanced or size: which kernels are taken.
        kernels: whose kernels are called where there is a choice.
        weights: where the constants lie.

    Raises:
        ModelError: a node has no kernel, or an output is constant.
        CapacityError: weights or tensors alone are larger than the target's memory.
    """
    roots = {name: root for name, root in storage(graph).items() if graph.data(name) is None}
    _check(graph, roots)
    assert graph.numerics is not None
    prefix = symbol_prefix(name or graph.name)
    choices = choose(graph, Wanted(target.isa, optimize, kernels), target.name)
    arranged = arrange(schedule(graph, choices, roots))
    found, choices = arranged.plan, tuple(choices[i] for i in arranged.order)
    planned = schedule(graph, choices, roots)
    constants, names = _Constants(), Names()

    # An input whose own bytes are an output has to be in the arena, where the caller may look for the output.
    direct = frozenset(graph.inputs) - {roots[name] for name in graph.outputs}

    def place(value: str) -> Place:
        root = roots[value]
        return Place(value, found.offsets[root], graph.inputs.index(root) if root in direct else None)

    calls = []
    for choice, scratch in zip(choices, found.scratch, strict=True):
        site, kernel, node = choice.site, choice.kernel, choice.node
        id = names.take(node.name)
        runtime = runtime_inputs(graph, choice, roots)
        calls.append(
            KernelCall(
                name=node.name,
                id=id,
                op=node.op.kind,
                function=f"{kernel.function}_{site.rounding.value}" if kernel.rounded else kernel.function,
                struct=kernel.struct,
                params=constants.add(f"{prefix}_{id}", choice),
                header=kernel.header,
                sources=kernel.sources,
                inputs=tuple(place(n) for _, n in runtime),
                outputs=tuple(place(n) for n in node.outputs),
                scratch=scratch if kernel.takes_scratch else None,
                gather=kernel.variadic,
                library=kernel.library,
                instance=optimize == "speed" and kernel.instances(site),
                macs=node.op.macs(site),
                weights_bytes=sum(c.nbytes for c in site.consts if c is not None),
                output_shape=site.outputs[0].shape,
            )
        )
    inputs, outputs = _ports(graph, roots, found, direct)
    program = Program(
        name=prefix,
        numerics=graph.numerics,
        optimize=optimize,
        kernels=kernels,
        calls=tuple(calls),
        constants=tuple(constants.kept),
        inputs=inputs,
        outputs=outputs,
        arena_bytes=found.size,
        arena_bound=found.bound,
        arena=occupants(planned, found),
        weights=weights,
    )
    check_capacity(program, target)
    return program
