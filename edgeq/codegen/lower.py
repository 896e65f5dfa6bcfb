"""From an integer graph to a program: a kernel for every node, a place for every tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

import numpy as np

from edgeq.codegen.capacity import check_budget, check_capacity
from edgeq.codegen.layout import Choice, Layout, handed_over_early, lay_out, read_in_block, runtime_inputs, windows
from edgeq.codegen.literals import Constant, Member, pointer_type, split_params
from edgeq.codegen.names import Names, symbol_prefix
from edgeq.codegen.places import USUAL, Places, constant_regions, with_arenas
from edgeq.codegen.program import CallPart, Kept, KernelCall, Occupant, Place, Port, Program, Streaming, Variant
from edgeq.codegen.rings import window_bytes
from edgeq.codegen.streaming import fit_into
from edgeq.codegen.weights import INLINE, WeightsPlace, emulated_place
from edgeq.codegen.wider_weights import with_wider_weights
from edgeq.errors import InternalError, ModelError
from edgeq.ir.graph import Graph, State
from edgeq.ir.kernel import Goal, Kernel, Library
from edgeq.ir.site import Site
from edgeq.ir.tensor import Array
from edgeq.kernels.choice import PassedOver, Wanted
from edgeq.memory import Home, Plan, Schedule, aligned, pieces, whole_homes
from edgeq.target import Target


class _Constants:
    """Collects constants; equal arrays become one."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, bytes], str] = {}
        self._names = Names()
        self.kept: list[Constant] = []

    def bytes(self, name: str, array: Array) -> str:
        """The name of a constant with the bytes of an array."""
        held = array.reshape(-1).view(np.int8)
        key = (held.dtype.name, held.tobytes())
        if key not in self._known:
            self._known[key] = self._names.take(name)
            self.kept.append(Constant(self._known[key], held))
        return self._known[key]

    def add(self, prefix: str, kernel: Kernel, site: Site) -> dict[str, Member]:
        """The members of a call's parameters."""
        constants, members = split_params(prefix, kernel.params(site))
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
    graph: Graph, homes: Mapping[str, Home], plan: Plan, direct: frozenset[str]
) -> tuple[tuple[Port, ...], tuple[Port, ...]]:
    def ports_of(side: str, values: Sequence[str]) -> tuple[Port, ...]:
        names = Names()
        single = len(values) == 1
        ports = []
        for value in values:
            id = side if single else f"{side}_{names.take(value)}"
            maker = graph.producers.get(value)
            called = () if maker is None else maker.op.class_names
            ports.append(Port(value, id, graph.type(value), _offset(homes[value], plan), value in direct, called))
        return tuple(ports)

    return ports_of("input", graph.public_inputs), ports_of("output", graph.public_outputs)


def _block(layout: Layout) -> tuple[dict[str, int], int]:
    """Where each state lies in the state block, by its input's name, and the block's size."""
    offsets, end = {}, 0
    for state in layout.graph.states:
        offsets[state.input] = end
        end += aligned(window_bytes(layout.graph, layout.homes, state.input))
    return offsets, end


def _offset(home: Home, plan: Plan) -> int:
    return plan.offsets[home.root] + (home.part.start if home.part else 0)


def occupants(planned: Schedule, plan: Plan) -> tuple[Occupant, ...]:
    """What lies in the arena, and when, in order of first use. A buffer used in parts is listed part by part."""
    listed = []
    for name, parts in pieces(planned).items():
        if not planned.sizes[name]:
            continue
        is_input, is_output = name in planned.inputs, name in planned.outputs
        kind: Literal["input", "output", "tensor"] = "input" if is_input else "output" if is_output else "tensor"
        for part, span in ((piece.part, piece.span) for piece in parts):
            listed.append(Occupant(name, kind, plan.offsets[name] + part.start, part.size, span.first, span.last))
    for index, (step, offset) in enumerate(zip(planned.steps, plan.scratch, strict=True)):
        if step.scratch > 0:
            listed.append(Occupant(step.name, "scratch", offset, step.scratch, index, index))
    return tuple(sorted(listed, key=lambda o: (o.first, o.kind == "scratch")))


def _check(graph: Graph) -> None:
    if graph.numerics is None:
        raise InternalError("only an integer graph can become a program", hint="quantize it first")
    for side, ports in (("input", graph.public_inputs), ("output", graph.public_outputs)):
        if graph.states and not ports:
            raise ModelError(f"the model has no {side} besides its states", where=graph.name)
    if not graph.outputs:
        raise ModelError("the model has no output", where=graph.name)
    computed = whole_homes(graph).of
    fixed = [name for name in graph.outputs if name not in computed]
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
    ram_budget: int | None = None,
    require_fast: bool = False,
    threads: int = 1,
    places: Places = USUAL,
    variants: Mapping[str, frozenset[str]] = MappingProxyType({}),
    layer_goals: Mapping[str, Goal] = MappingProxyType({}),
) -> Program:
    """Turn an integer graph into a program for `target`.

    Args:
        graph: an integer graph.
        target: decides which kernels can be used.
        name: what the model's symbols start with; by default derived from the graph's name.
        optimize: speed, balanced or size: decides which kernels are chosen.
        kernels: the library whose kernels are called where there is a choice.
        weights: where the constants lie.
        ram_budget: bytes that the arena may take. Where the plain plan takes more, kernels with less scratch memory are
            called, and the first layers are computed in stripes (docs/memory.md).
        require_fast: refuse layers that are left to portable kernels although the target has faster ones for their
            operators.
        threads: how many are to share the work of a layer.
        places: the regions of memory in which arena, weights, code and stack lie.
        variants: the instruction sets between which the program chooses when it is loaded, the fastest last, and the
            features of processors that have them; the target has what all of them have in common.
        layer_goals: by name of a layer, or a glob of names, what kernels are chosen for there, in place of `optimize`.

    Raises:
        UsageError: names of what is to be placed are those of nothing in the graph.
        ModelError: a node has no kernel, or none that is fast where that is required.
        CapacityError: weights or tensors alone are larger than the target's memory, or nothing fits the budget.
    """
    _check(graph)
    wanted = Wanted(target.isa, optimize, kernels, tuple(variants.values()), tuple(layer_goals.items()))
    graph = with_wider_weights(graph, wanted)
    layout = lay_out(graph, wanted, target.name, threads)
    streaming = None
    if ram_budget is not None and layout.plan.size > ram_budget:
        plain = lay_out(graph, wanted, target.name, threads, in_place=False) if graph.states else layout
        fitting, streaming = fit_into(plain, wanted, ram_budget, target.name)
        if fitting.plan.size < layout.plan.size:
            layout = fitting
        else:
            streaming = None
    if require_fast:
        _require_fast(layout, wanted, target)
    ports = sum(graph.type(port).nbytes for port in (*graph.public_inputs, *graph.public_outputs))
    arenas = with_arenas(layout, places, target, ports + _block(layout)[1])
    program = _assemble(arenas.layout, symbol_prefix(name or graph.name), wanted, streaming)
    program = replace(program, weights=weights, threads=threads, shares=arenas.shares, places=places)
    program = replace(program, variants=tuple(variants))
    program = replace(program, constant_regions=_regions(program, target))
    program = replace(program, weights=emulated_place(weights, program.image_bytes, target))
    check_budget(program, ram_budget)
    check_capacity(program, target)
    return program


def _regions(program: Program, target: Target) -> dict[str, str]:
    """Where each constant lies that is not among the code."""
    if program.places.weights == USUAL.weights and not program.places.weights_of:
        return {}
    known = {constant.name for constant in program.constants}
    read = [
        (call.name, call.macs, [m for m in call.params.values() if isinstance(m, str) and m in known])
        for call in program.calls
    ]
    taken = {share.room: share.size for share in program.arenas}
    taken[program.places.stack] = taken.get(program.places.stack, 0) + target.stack_bytes + 0x400
    return constant_regions(program.constants, read, program.places, target, taken)


def _require_fast(layout: Layout, wanted: Wanted, target: Target) -> None:
    """Make sure that no layer is left to a portable kernel for whose operator the target has faster ones.

    Raises:
        ModelError: there is one; all are told, each with what the fastest kernels lack.
    """
    slow = []
    for choice in layout.choices:
        if choice.kernel in type(choice.site.op).kernels:
            missed = [row for row in wanted.passed_over(choice.site, choice.kernel) if row.runs_here]
            missed = [row for row in missed if row.function not in {k.function for k in type(choice.site.op).kernels}]
            if missed:
                obstacles = dict.fromkeys(f"{row.function} needs: {row.needs}" for row in missed)
                slow.append((choice.node.name, choice.kernel.function, "; ".join(obstacles)))
    if slow:
        name, function, needs = slow[0]
        others = "".join(f"\nlayer {n!r}: {f}; {why}" for n, f, why in slow[1:])
        raise ModelError(
            f"only the portable kernel {function} computes this layer, and {target.name} has faster ones",
            hint=f"{needs}{others}\nchange the layers accordingly, or leave --require-fast out",
            where=name,
        )


def _side_by_side(choice: Choice) -> tuple[int, ...]:
    """Where the scratch memory of each part begins in that of the call."""
    sizes = [aligned(choice.kernel.scratch(part.site)) for part in choice.parts]
    return tuple(sum(sizes[:k]) for k in range(len(sizes)))


def _further(place: Place, bytes: int) -> Place:
    """The place so many bytes after another."""
    return replace(place, offset=place.offset + bytes, start=place.start + bytes if place.port is not None else 0)


def _function(kernel: Kernel, site: Site) -> str:
    """The C function that a row stands for at a site."""
    return f"{kernel.function}_{site.rounding.value}" if kernel.rounded else kernel.function


def _passed_over(wanted: Wanted, site: Site, kernel: Kernel) -> tuple[PassedOver, ...]:
    """What is faster than the row that was taken; of several variants, than that of the best one."""
    if not kernel.variants:
        return wanted.passed_over(site, kernel)
    return replace(wanted, isa=wanted.variants[-1], variants=()).passed_over(site, kernel.variants[-1])


def _assemble(layout: Layout, prefix: str, wanted: Wanted, streaming: Streaming | None) -> Program:
    graph, homes, plan = layout.graph, layout.homes, layout.plan
    assert graph.numerics is not None
    constants, names = _Constants(), Names()

    # An input whose bytes are themselves an output has to be in the arena, where the caller may look for the output.
    direct = frozenset(graph.public_inputs) - {homes[name].root for name in graph.public_outputs}
    block, state_bytes = _block(layout)
    moved = windows(graph, homes)
    in_block = read_in_block(graph, homes)

    def place(value: str) -> Place:
        home, element = homes[value], pointer_type(graph.type(value).dtype)
        start = home.part.start if home.part else 0
        if home.root in in_block:
            return Place(value, block[home.root] + start, element=element, in_block=True)
        if home.root not in direct:
            return Place(value, _offset(home, plan), element=element)
        return Place(value, _offset(home, plan), graph.public_inputs.index(home.root), start, element)

    early = handed_over_early(graph, layout.choices, homes)
    index = {choice.node.name: i for i, choice in enumerate(layout.choices)}

    def kept(state: State) -> Kept:
        before = state.input
        copied = None if before in in_block else _offset(homes[before], plan)
        call = index[early[before]] if before in early else None
        bytes = set(state.begin(graph.type(before)).tobytes())
        begin = "" if len(bytes) == 1 else constants.bytes(f"{prefix}_begin", state.begin(graph.type(before)))
        return Kept(
            before,
            graph.type(before),
            block[before],
            copied,
            place(state.output),
            call,
            state.output in moved,
            None if begin else bytes.pop(),
            begin,
        )

    counted: set[str] = set()

    def operands(choice: Choice) -> int:
        """Bytes of constant operands; those that several layers read, or stripes of one, count once."""
        read = [n for n in choice.node.inputs if n is not None and graph.data(n) is not None and n not in counted]
        counted.update(read)
        return sum(graph.type(n).nbytes for n in read)

    calls = []
    for choice, scratch in zip(layout.choices, plan.scratch, strict=True):
        site, kernel, node = choice.site, choice.kernel, choice.node
        id = names.take(node.name)
        runtime = runtime_inputs(choice, homes)
        parts = tuple(
            CallPart(
                params=constants.add(f"{prefix}_{id}", kernel, part.site),
                inputs=tuple(_further(place(n), part.reads[i]) for i, n in runtime),
                output=_further(place(node.outputs[0]), part.start),
                scratch=scratch + offset if kernel.takes_scratch else None,
            )
            for part, offset in zip(choice.parts, _side_by_side(choice), strict=True)
        )
        calls.append(
            KernelCall(
                name=node.name,
                id=id,
                op=node.op.kind,
                function=_function(kernel, site),
                struct=kernel.struct,
                params=parts[0].params if parts else constants.add(f"{prefix}_{id}", kernel, site),
                header=kernel.header,
                sources=kernel.sources,
                inputs=tuple(place(n) for _, n in runtime),
                outputs=tuple(place(n) for n in node.outputs),
                scratch=scratch if kernel.takes_scratch else None,
                gather=kernel.variadic,
                library=kernel.library,
                instance=wanted.goal_of(node.name) == "speed" and not parts and kernel.instances(site),
                macs=node.op.macs(site),
                weights_bytes=operands(choice),
                output_shape=site.outputs[0].shape,
                output_dtype=site.outputs[0].dtype,
                weight_bits=max((dtype.bits for dtype in site.element_types[1]), default=None),
                isa=kernel.variants[0].isa if kernel.variants else kernel.isa,
                passed_over=_passed_over(wanted, site, kernel),
                accumulator_bound=node.op.accumulator_bound(site),
                parts=parts,
                variants=tuple(
                    Variant(
                        function=_function(row, site),
                        struct=row.struct,
                        params={} if parts else constants.add(f"{prefix}_{id}", row, site),
                        header=row.header,
                        sources=row.sources,
                        isa=row.isa,
                        scratch=row.takes_scratch,
                        parts=tuple(constants.add(f"{prefix}_{id}", row, part.site) for part in choice.parts),
                    )
                    for row in kernel.variants
                ),
            )
        )
    inputs, outputs = _ports(graph, homes, plan, direct)
    states = tuple(map(kept, graph.states))
    return Program(
        name=prefix,
        numerics=graph.numerics,
        optimize=wanted.goal,
        kernels=wanted.library,
        calls=tuple(calls),
        constants=tuple(constants.kept),
        inputs=inputs,
        outputs=outputs,
        arena_bytes=plan.size,
        arena_bound=plan.bound,
        arena=occupants(layout.schedule, plan),
        streaming=streaming,
        states=states,
        state_bytes=state_bytes,
    )
