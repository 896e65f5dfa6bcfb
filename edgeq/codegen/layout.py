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


def schedule(graph: Graph, choices: Sequence[Choice], homes: Mapping[str, Home]) -> Schedule:
    """The calls as the memory planner sees them. Values that share storage are one buffer, named after its root."""
    steps = []
    for choice in choices:
        overlaps = choice.kernel.overlap(choice.site)
        exactly = choice.kernel.exactly(choice.site)
        reads = tuple(
            Read(homes[name].root, overlaps[i], exactly[i], homes[name].part)
            for i, name in runtime_inputs(choice, homes)
        )
        made = [homes[name] for name in choice.node.outputs]
        writes, parts = tuple(home.root for home in made), tuple(home.part for home in made)
        steps.append(Step(choice.node.name, reads, writes, choice.kernel.scratch(choice.site), parts))
    buffers = dict.fromkeys([*graph.inputs, *(w for s in steps for w in s.writes)])
    return Schedule(
        sizes={name: graph.type(name).nbytes for name in buffers},
        inputs=graph.inputs,
        outputs=tuple(dict.fromkeys(homes[name].root for name in graph.outputs)),
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
