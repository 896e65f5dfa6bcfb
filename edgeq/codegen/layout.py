"""From an integer graph to a layout: a kernel for every node, a place for every tensor."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from edgeq.errors import ModelError
from edgeq.ir.graph import Graph, Node
from edgeq.ir.kernel import Kernel
from edgeq.ir.op import Site
from edgeq.kernels.choice import Wanted
from edgeq.memory import Home, Plan, Read, Schedule, Step, arrange, whole_homes


@dataclass(frozen=True, eq=False)
class Choice:
    """A node and the kernel that computes it."""

    node: Node
    site: Site
    kernel: Kernel


def choose(graph: Graph, wanted: Wanted, target: str = "", free: Collection[str] = ()) -> tuple[Choice, ...]:
    """A kernel for every node but those that are `free`.

    Raises:
        ModelError: no kernel takes one or more nodes; all of them are named.
    """
    found: list[Choice] = []
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
            found.append(Choice(node, site, kernel))
    if lacking:
        raise ModelError(
            f"no kernel for {'; '.join(lacking)}",
            hint="`edgeq ops` lists what each operator takes; replace the layer in the model or leave it to the caller",
            where=target,
        )
    return tuple(found)


def runtime_inputs(choice: Choice, homes: Mapping[str, Home]) -> tuple[tuple[int, str], ...]:
    """Index and name of the node's inputs that are computed when the model runs."""
    return tuple((i, n) for i, n in enumerate(choice.node.inputs) if n is not None and n in homes)


def read_in_block(graph: Graph, homes: Mapping[str, Home]) -> frozenset[str]:
    """The inputs of states that layers read in the state block, so that they take no room in the arena.

    One whose own bytes are an output is not among them: where it becomes another state, that one's old value would be
    overwritten before it is read, and the caller looks for outputs in the arena.
    """
    return frozenset(state.input for state in graph.states) - {homes[name].root for name in graph.outputs}


def handed_over_early(graph: Graph, choices: Sequence[Choice], homes: Mapping[str, Home]) -> dict[str, str]:
    """The states that go to the state block as soon as they are computed, so that they take no more room in the arena.

    A state does if it depends on every layer that reads the old one: those come before it in whatever order.

    Returns:
        By the name of the state's input, the node after which it does; all others wait until the last layer is done.
    """
    if not graph.states:
        return {}
    in_block = read_in_block(graph, homes)
    makers: dict[str, list[str]] = {}
    readers: dict[str, list[str]] = {}
    needed: dict[str, frozenset[str]] = {}  # by a node, itself and all that come before it in every order
    for choice in choices:
        name, roots = choice.node.name, [homes[n].root for _, n in runtime_inputs(choice, homes)]
        needed[name] = frozenset([name]).union(*(needed[maker] for root in roots for maker in makers.get(root, ())))
        for root in roots:
            readers.setdefault(root, []).append(name)
        for out in choice.node.outputs:
            makers.setdefault(homes[out].root, []).append(name)
    early = {}
    for state in graph.states:
        home = homes[state.output]
        old = readers.get(state.input, []) if state.input in in_block else []
        match makers.get(home.root):
            case [maker] if home.part is None and needed[maker].issuperset(old):
                early[state.input] = maker
    return early


def schedule(graph: Graph, choices: Sequence[Choice], homes: Mapping[str, Home]) -> Schedule:
    """The calls as the memory planner sees them. Values that share storage are one buffer, named after its root."""
    early = handed_over_early(graph, choices, homes)
    gone = {state.output for state in graph.states if state.input in early}
    outside = read_in_block(graph, homes)
    inputs = tuple(name for name in graph.inputs if name not in outside)
    steps = []
    for choice in choices:
        overlaps = choice.kernel.overlap(choice.site)
        exactly = choice.kernel.exactly(choice.site)
        reads = tuple(
            Read(homes[name].root, overlaps[i], exactly[i], homes[name].part)
            for i, name in runtime_inputs(choice, homes)
            if homes[name].root not in outside
        )
        made = [homes[name] for name in choice.node.outputs]
        writes, parts = tuple(home.root for home in made), tuple(home.part for home in made)
        steps.append(Step(choice.node.name, reads, writes, choice.kernel.scratch(choice.site), parts))
    buffers = dict.fromkeys([*inputs, *(w for s in steps for w in s.writes)])
    return Schedule(
        sizes={name: graph.type(name).nbytes for name in buffers},
        inputs=inputs,
        outputs=tuple(dict.fromkeys(homes[name].root for name in graph.outputs if name not in gone)),
        steps=tuple(steps),
    )


@dataclass(frozen=True, eq=False)
class Layout:
    """What a graph becomes.

    Attributes:
        graph: the graph that is executed.
        homes: where each of its computed values and inputs is kept.
        choices: the calls, in order of execution.
        schedule, plan: the same calls as the memory planner sees them, and where it puts everything.
    """

    graph: Graph
    homes: Mapping[str, Home]
    choices: tuple[Choice, ...]
    schedule: Schedule
    plan: Plan


def lay_out(graph: Graph, wanted: Wanted, target: str = "") -> Layout:
    """The fastest kernels, in the order that needs the smallest arena.

    Raises:
        ModelError: a node has no kernel.
    """
    homes = whole_homes(graph)
    choices = choose(graph, wanted, target, homes.free)
    arranged = arrange(schedule(graph, choices, homes.of))
    choices = tuple(choices[i] for i in arranged.order)
    return Layout(graph, homes.of, choices, schedule(graph, choices, homes.of), arranged.plan)
