"""From an integer graph to a layout: a kernel for every node, a place for every tensor."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from edgeq.codegen.parts import Part, split
from edgeq.codegen.parts import in_place as parts_in_place
from edgeq.codegen.rings import ring_homes, with_copies
from edgeq.errors import ModelError
from edgeq.ir.graph import Graph, Node
from edgeq.ir.kernel import Kernel
from edgeq.ir.site import Site
from edgeq.kernels.choice import Wanted
from edgeq.memory import Home, Plan, Read, Schedule, Step, aligned, arrange, whole_homes


@dataclass(frozen=True, eq=False)
class Choice:
    """A node and the kernel that computes it.

    Attributes:
        parts: what several threads compute of it; empty: it is one call.
    """

    node: Node
    site: Site
    kernel: Kernel
    parts: tuple[Part, ...] = ()

    @property
    def overlaps(self) -> tuple[tuple[int | None, ...], tuple[int | None, ...]]:
        """As the kernel's `overlap` and `exactly`. Parts are computed at the same time, in any order."""
        if self.parts:
            return (None,) * len(self.site.inputs), parts_in_place(self.kernel, self.parts)
        return self.kernel.overlap(self.site), self.kernel.exactly(self.site)

    @property
    def scratch(self) -> int:
        """Bytes of scratch memory, that of all parts side by side."""
        if self.parts:
            return sum(aligned(self.kernel.scratch(part.site)) for part in self.parts)
        return self.kernel.scratch(self.site)


def choose(graph: Graph, wanted: Wanted, target: str = "", free: Collection[str] = ()) -> tuple[Choice, ...]:
    """A kernel for every node except those that are `free`.

    Raises:
        ModelError: no kernel takes one or more nodes; all of them are named.
    """
    choices: list[Choice] = []
    lacking: list[str] = []
    for node in graph.nodes:
        if node.name in free:
            continue
        site = graph.site(node)
        kernel = wanted.choose(site)
        if kernel is None:
            shapes = ", ".join("none" if t is None else str(t.shape) for t in site.inputs)
            lacking.append(f"{node.name} ({node.op.kind}: {site.describe_types()}, {shapes})")
        else:
            choices.append(Choice(node, site, kernel))
    if lacking:
        raise ModelError(
            f"no kernel for {'; '.join(lacking)}",
            hint="`edgeq ops` lists what each operator takes; replace the layer in the model or leave it to the caller",
            where=target,
        )
    return tuple(choices)


def runtime_inputs(choice: Choice, homes: Mapping[str, Home]) -> tuple[tuple[int, str], ...]:
    """Index and name of the node's inputs that are computed when the model runs."""
    return tuple((i, n) for i, n in enumerate(choice.node.inputs) if n is not None and n in homes)


def read_in_block(graph: Graph, homes: Mapping[str, Home]) -> frozenset[str]:
    """The inputs of states that layers read from the state block, so that they take no room in the arena.

    An input whose bytes are themselves an output is not among them: if it becomes another state, the old value of that
    state would be overwritten before it is read, and the caller looks for outputs in the arena. Windows are read there,
    although what becomes of them is a part of theirs.
    """
    moved = windows(graph, homes)
    elsewhere = {homes[name].root for name in graph.outputs if name not in moved}
    return frozenset(state.input for state in graph.states) - elsewhere


def windows(graph: Graph, homes: Mapping[str, Home]) -> dict[str, str]:
    """The states that are windows in the block (`codegen.rings`): by the output, the input in whose room that lies."""
    kept = {state.output: homes[state.output] for state in graph.states}
    return {name: home.root for name, home in kept.items() if home.part is not None and home.root in graph.inputs}


def handed_over_early(graph: Graph, choices: Sequence[Choice], homes: Mapping[str, Home]) -> dict[str, str]:
    """The states that are copied to the state block as soon as they are computed, so that their arena room is free.

    This can be done if a state depends on every layer that reads its old value: in any order they come before it.

    Returns:
        By the name of the state's input, the node after which it is copied; all others wait for the last layer.
    """
    if not graph.states:
        return {}
    in_block = read_in_block(graph, homes)
    producers: dict[str, list[str]] = {}
    readers: dict[str, list[str]] = {}
    needed: dict[str, frozenset[str]] = {}  # by node: itself and all nodes that come before it in every order
    for choice in choices:
        name, roots = choice.node.name, [homes[n].root for _, n in runtime_inputs(choice, homes)]
        needed[name] = frozenset([name]).union(
            *(needed[producer] for root in roots for producer in producers.get(root, ()))
        )
        for root in roots:
            readers.setdefault(root, []).append(name)
        for out in choice.node.outputs:
            producers.setdefault(homes[out].root, []).append(name)
    early = {}
    moved = windows(graph, homes)
    for state in graph.states:
        if state.output in moved:
            continue
        home = homes[state.output]
        old = readers.get(state.input, []) if state.input in in_block else []
        match producers.get(home.root):
            case [producer] if home.part is None and needed[producer].issuperset(old):
                early[state.input] = producer
    return early


def schedule(graph: Graph, choices: Sequence[Choice], homes: Mapping[str, Home]) -> Schedule:
    """The calls as the memory planner sees them. Values that share storage are one buffer, named after its root."""
    early = handed_over_early(graph, choices, homes)
    gone = {state.output for state in graph.states if state.input in early}
    gone |= windows(graph, homes).keys()
    outside = read_in_block(graph, homes)
    behind = _behind(graph, homes)
    inputs = tuple(name for name in graph.inputs if name not in outside)
    steps = []
    for choice in choices:
        overlaps, exactly = choice.overlaps
        reads = tuple(
            Read(homes[name].root, overlaps[i], exactly[i], homes[name].part)
            for i, name in runtime_inputs(choice, homes)
            if homes[name].root not in outside
        )
        roots = [homes[name].root for _, name in runtime_inputs(choice, homes) if name in behind]
        reads += tuple(Read(root) for root in dict.fromkeys(roots))
        out_homes = [homes[name] for name in choice.node.outputs]
        writes = tuple(home.root for home in out_homes)
        parts = tuple(None if home.root in outside else home.part for home in out_homes)
        steps.append(Step(choice.node.name, reads, writes, choice.scratch, parts))
    buffers = dict.fromkeys([*inputs, *(w for s in steps for w in s.writes)])
    return Schedule(
        sizes={name: 0 if name in outside else graph.type(name).nbytes for name in buffers},
        inputs=inputs,
        outputs=tuple(dict.fromkeys(homes[name].root for name in graph.outputs if name not in gone)),
        steps=tuple(steps),
    )


def _behind(graph: Graph, homes: Mapping[str, Home]) -> frozenset[str]:
    """The values that take in rows behind a state in the block: to be read when those were written.

    To the planner such rows are a buffer without bytes.
    """
    found = set[str]()
    outside = read_in_block(graph, homes)
    for name, home in homes.items():
        start = home.part.start if home.part else 0
        if home.root in outside and start + graph.type(name).nbytes > graph.type(home.root).nbytes:
            found.add(name)
    return frozenset(found)


@dataclass(frozen=True, eq=False)
class Layout:
    """A graph with its kernels and its memory plan.

    Attributes:
        graph: the graph that is executed.
        homes: where each of its computed values and inputs is kept.
        choices: the calls, in order of execution.
        schedule, plan: the same calls as the memory planner sees them, and where it places everything.
    """

    graph: Graph
    homes: Mapping[str, Home]
    choices: tuple[Choice, ...]
    schedule: Schedule
    plan: Plan


def lay_out(graph: Graph, wanted: Wanted, target: str = "", threads: int = 1, in_place: bool = True) -> Layout:
    """The fastest kernels, split for so many threads, in the order that needs the smallest arena.

    Args:
        graph: what is computed.
        wanted: which kernels can be chosen.
        target: the target's name, for messages.
        threads: how many share the work of a layer.
        in_place: whether windows among the states lie in the state block as a whole.

    Raises:
        ModelError: a node has no kernel.
    """
    graph = with_copies(graph) if in_place else graph
    homes = ring_homes(graph) if in_place else whole_homes(graph)
    whole = choose(graph, wanted, target, homes.free)
    choices = tuple(replace(choice, parts=split(choice.site, choice.kernel, threads)) for choice in whole)
    arranged = arrange(schedule(graph, choices, homes.of))
    choices = tuple(choices[i] for i in arranged.order)
    return Layout(graph, homes.of, choices, schedule(graph, choices, homes.of), arranged.plan)
