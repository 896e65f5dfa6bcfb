"""States that are windows: kept rows with new ones behind them, of which the newest are kept.

Such a state lies in the state block with room for the new rows behind it. Joining them then moves nothing: layers write
their rows there, read the window where it lies, and at the end of a run what is kept moves to the front. Where rows
behind the newest ones that are kept belong to the window, too, as those near its end do that see padding, it is joined
in the arena: the block would hold room for them in every state at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from edgeq.ir.graph import Graph, Node
from edgeq.memory import ALIGNMENT, Home, Homes, Part, whole_homes
from edgeq.ops.concat import Concat


@dataclass(frozen=True)
class Ring:
    """A state that is a window.

    Attributes:
        state: the name of its input.
        joined: the node that puts new rows behind it.
        new: what they are called.
        cut: the node that cuts off the rows that are kept.
        kept: bytes of the state.
    """

    state: str
    joined: Node
    new: str
    cut: Node
    kept: int


def rings(graph: Graph) -> tuple[Ring, ...]:
    """The windows among a graph's states."""
    return tuple(_rings(graph))


def _rings(graph: Graph) -> Iterator[Ring]:
    outputs = list(graph.outputs)
    viewed = whole_homes(graph).of
    for state in graph.states:
        cut = graph.producers.get(state.output)
        joined = None if cut is None or not cut.inputs else graph.producers.get(cut.inputs[0] or "")
        if cut is None or joined is None or len(joined.inputs) != 2 or joined.inputs[0] != state.input:
            continue
        window, new, kept = joined.outputs[0], joined.inputs[1], graph.type(state.input).nbytes
        whole, end = joined.op.parts(graph.site(joined)), cut.op.parts(graph.site(cut))
        if whole is None or whole.of != "output" or end is None or end.of != "input" or len(cut.outputs) != 1:
            continue
        elsewhere = {state.input, window, state.output}
        if (
            new is not None
            and graph.data(new) is None
            and (whole.starts[0], end.starts) == (0, (graph.type(window).nbytes - kept,))
            and outputs.count(state.output) == 1
            and not graph.consumers[state.output]
            and not any(viewed[name].root in elsewhere for name in outputs if name != state.output)
        ):
            yield Ring(state.input, joined, new, cut, kept)


def with_copies(graph: Graph) -> Graph:
    """The same graph, in which whatever cannot be written behind a window by its own layer is copied there."""
    editor, written = graph.edit(), set[str]()
    for ring in rings(graph):
        producer = graph.producers.get(ring.new)
        apart = producer is None or producer.op.is_view or len(producer.outputs) != 1 or ring.new in graph.outputs
        if apart or ring.new in written or ring.kept % ALIGNMENT:
            assert isinstance(ring.joined.op, Concat)
            name = f"{ring.joined.name}_new"
            (copy,) = editor.add(ring.joined.op, [ring.new], name, types=[graph.type(ring.new)])
            editor.replace_node(ring.joined.name, replace(ring.joined, inputs=(ring.state, copy)))
        written.add(ring.new)
    return editor.finish() if len(editor.nodes) > len(graph.nodes) else graph


def ring_homes(graph: Graph) -> Homes:
    """As `whole_homes`, but windows are kept where their states are, and so is what is neighbouring rows of them.

    Args:
        graph: what `with_copies` returned.
    """
    homes = whole_homes(graph)
    found = rings(graph)
    if not found:
        return homes
    of, free = dict(homes.of), set(homes.free)
    within: dict[str, Home] = {}
    for ring in found:
        within[ring.joined.outputs[0]] = Home(ring.state)
        within[ring.new] = Home(ring.state, Part(ring.kept, graph.type(ring.new).nbytes))
        within[ring.cut.outputs[0]] = Home(ring.state, Part(graph.type(ring.new).nbytes, ring.kept))
        free |= {ring.joined.name, ring.cut.name}
    for node in graph.nodes:
        home = within.get(node.inputs[0] or "") if node.inputs else None
        if home is None or node.outputs[0] in within or node.outputs[0] in graph.outputs:
            continue
        start = 0 if node.op.is_view else _start(graph, node)
        if start is not None:
            begin = (home.part.start if home.part else 0) + start
            within[node.outputs[0]] = Home(home.root, Part(begin, graph.type(node.outputs[0]).nbytes))
            free.add(node.name)
    return Homes({**of, **within}, frozenset(free))


def _start(graph: Graph, node: Node) -> int | None:
    parts = node.op.parts(graph.site(node))
    if parts is None or parts.of != "input" or len(parts.starts) != 1 or parts.starts[0] % ALIGNMENT:
        return None
    return parts.starts[0]


def window_bytes(graph: Graph, homes: Mapping[str, Home], state: str) -> int:
    """Bytes of a state's room in the block: those of its window, if it is one."""
    ends = [home.part.end for home in homes.values() if home.root == state and home.part is not None]
    return max([graph.type(state).nbytes, *ends])
