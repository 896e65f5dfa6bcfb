"""Programs that keep to a budget of memory: cheaper kernels, stripes, and what is said where neither is enough."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
from planner_nets import Net, mobilenet_v2, unet
from small_net import small_net

from edgeq.codegen import Program, lower, render
from edgeq.codegen.arena import covered, present
from edgeq.codegen.layout import lay_out
from edgeq.codegen.manifest import make_manifest
from edgeq.codegen.streaming import _in_order
from edgeq.codegen.stripes import Calls, Stripes
from edgeq.errors import CapacityError
from edgeq.ir.graph import Graph
from edgeq.kernels.choice import Wanted
from edgeq.memory import check, needs, plan, shared_homes
from edgeq.passes.stream_rows import region
from edgeq.target import Region, load_target

M4 = load_target("cortex-m4")
HOST = load_target("host")


@cache
def mobilenet() -> Graph:
    return mobilenet_v2(64)


@cache
def streamed() -> Program:
    return lower(mobilenet(), M4, ram_budget=25_000)


@cache
def first_layers() -> Graph:
    """An image, and tensors four times as large right after it."""
    net = Net("first")
    x = net.depthwise(net.conv(net.input("x", 48, 48, 4), 16))
    return net.finish(net.conv(net.conv(x, 4, kernel=1), 8, stride=2))


def test_first_layers_are_computed_in_stripes() -> None:
    plain, program = lower(mobilenet(), M4), streamed()
    found = program.streaming
    assert plain.arena_bytes > 50_000 and plain.streaming is None
    assert program.arena_bytes <= 25_000 and found is not None
    assert len(found.heights) > 1
    assert found.extra_macs == program.macs - plain.macs > 0
    assert found.extra_macs_percent == round(100 * found.extra_macs / plain.macs, 2) < 5
    assert make_manifest(program, M4)["streaming"] == {
        "layers": list(found.layers),
        "stripes": len(found.heights),
        "extra_macs": found.extra_macs,
        "extra_macs_percent": found.extra_macs_percent,
    }
    assert make_manifest(plain, M4)["streaming"] is None
    names = [f"{layer} [{k}/{len(found.heights)}]" for k in range(1, len(found.heights) + 1) for layer in found.layers]
    assert [call.name for call in program.calls if call.name.endswith("]")] == names
    assert len({call.id for call in program.calls}) == len(program.calls)


def test_nothing_is_stored_twice_nor_copied() -> None:
    plain, program = lower(mobilenet(), M4), streamed()
    assert {c.op for c in program.calls} == {c.op for c in plain.calls}  # no Slice, no Concat
    assert program.weights_bytes == plain.weights_bytes
    assert program.constant_bytes <= plain.constant_bytes * 1.01  # a kernel with less scratch packs in another way


def test_parts_of_a_tensor_are_there_as_long_as_they_are_read() -> None:
    program = lower(first_layers(), M4, ram_budget=16_000)
    image = [o for o in program.arena if o.kind == "input"]
    assert len(image) > 1 and sum(o.bytes for o in image) == 48 * 48 * 4
    assert [o.last for o in image] == sorted(o.last for o in image)
    (whole,) = [o for o in present(program.arena, -1) if o.kind == "input"]
    assert whole.bytes == 48 * 48 * 4
    most = max(covered(present(program.arena, i)) for i in range(-1, len(program.calls) + 1))
    assert program.arena_bound <= most <= program.arena_bytes


def test_parts_of_an_input_are_read_in_the_callers_memory() -> None:
    text = render(lower(first_layers(), M4, ram_budget=16_000), M4)["src/first.c"]
    assert "from_input + " in text
    assert "from_input," in text


def test_same_program_every_time() -> None:
    again = lower(mobilenet_v2(64), M4, ram_budget=25_000)
    assert render(again, M4) == render(streamed(), M4)


def test_enough_memory_changes_nothing() -> None:
    plain = lower(small_net(), HOST, "net")
    assert render(lower(small_net(), HOST, "net", ram_budget=plain.arena_bytes), HOST) == render(plain, HOST)


def test_less_scratch_memory_comes_before_stripes() -> None:
    """A layer whose fastest kernel takes scratch memory for several rows; another one takes it for fewer."""
    net = Net("depthwise")
    graph = net.finish(net.depthwise(net.input("x", 48, 48, 8)))
    plain = lower(graph, M4)
    program = lower(graph, M4, ram_budget=plain.arena_bytes - 500)
    assert program.streaming is None
    assert program.calls[0].function != plain.calls[0].function


def test_kernels_of_the_target_come_before_others() -> None:
    assert all("_ref" not in c.function for c in streamed().calls if "Conv" in c.op)


def test_an_order_of_branches_is_kept() -> None:
    graph = unet(16, 4, 2)
    made = lay_out(graph, Wanted(M4.isa))
    ordered = _in_order(made)
    calls = [choice.node.name for choice in made.choices]
    assert [node.name for node in ordered.nodes if node.name in calls] == calls
    assert {node.name for node in ordered.nodes} == {node.name for node in graph.nodes}


@pytest.mark.slow
def test_the_smallest_arena_is_told() -> None:
    with pytest.raises(CapacityError) as caught:
        lower(mobilenet(), M4, ram_budget=1000)
    least = int(caught.value.message.split()[3].replace(",", ""))
    assert f"the arena takes {least:,} bytes even with the layers" in caught.value.message
    assert f"{least - 1000:,} more than the budget of 1,000; it is fullest" in caught.value.message
    assert caught.value.hint and caught.value.hint.endswith(f"or raise --ram-budget to {least}")
    assert lower(mobilenet(), M4, ram_budget=least).arena_bytes <= least


def test_no_layer_can_be_made_smaller() -> None:
    net = Net("nothing")
    graph = net.finish(*net.op("Reshape", [net.input("x", 4, 4, 1)], shape=(1, 16)))
    with pytest.raises(CapacityError, match="the arena takes 16 bytes, 1 more than the budget of 15"):
        lower(graph, HOST, ram_budget=15)


def test_a_full_target_makes_one_think_of_stripes() -> None:
    ports = 64 * 64 * 3 + 100
    ram = M4.stack_bytes + ports + 25_000
    small = replace(M4, memory={**M4.memory, "ram": Region(M4.memory["ram"].origin, ram)})
    with pytest.raises(CapacityError) as caught:
        lower(mobilenet(), small)
    assert caught.value.hint and "try --ram-budget 25000," in caught.value.hint
    assert lower(mobilenet(), small, ram_budget=25_000).arena_bytes <= 25_000


def test_estimates_are_what_plans_cannot_do_without() -> None:
    """The estimate of every stripe is close to the bound of its steps once they are there."""
    wanted = Wanted(M4.isa)
    graph = _in_order(lay_out(mobilenet(), wanted))
    found = region(graph, 0, 5)
    assert found is not None
    run = Stripes(graph, (0, 5), found, Calls(wanted, slow=False))
    heights = run.heights(30_000)
    assert heights is not None and sum(heights) == run.height
    ends = [sum(heights[: k + 1]) for k in range(len(heights))]
    estimates = [run.needed(end - h, end, 30_000) for end, h in zip(ends, heights, strict=True)]
    assert max(estimates) <= 30_000
    program = lower(mobilenet(), M4, ram_budget=30_000)
    assert program.arena_bytes <= 30_000
    assert run.least(1 << 40) < min(30_000, run.least(1 << 40) + 1)
    assert run.least(100) == 100


def test_homes_of_parts() -> None:
    net = Net("parts")
    x = net.input("x", 8, 4, 4)
    (top,) = net.op("Slice", [x], begin=(0, 0, 0, 0), end=(1, 4, 4, 4), step=(1, 1, 1, 1))
    (low,) = net.op("Slice", [x], begin=(0, 3, 0, 0), end=(1, 8, 4, 4), step=(1, 1, 1, 1))
    (odd,) = net.op("Slice", [x], begin=(0, 0, 1, 0), end=(1, 8, 4, 4), step=(1, 1, 1, 1))
    a, b = net.conv(top, 4), net.conv(low, 4)
    (joined,) = net.op("Concat", [a, b], axis=1)
    (twice,) = net.op("Concat", [a, a], axis=1)
    (beside,) = net.op("Reshape", [joined], shape=(1, 9, 16))
    graph = net.finish(beside, twice, odd)
    homes = shared_homes(graph)
    assert homes.free == {top, low, joined, beside}
    assert [(homes.of[n].root, homes.of[n].part and homes.of[n].part.start) for n in (top, low, a, b)] == [
        ("x", 0),
        ("x", 48),
        (joined, 0),
        (joined, 64),
    ]
    assert homes.of[beside] == homes.of[joined] == type(homes.of[joined])(joined)
    assert homes.of[twice].part is None and homes.of[odd].root == odd


def test_bounds_and_plans_of_parts() -> None:
    program_layout = lay_out(mobilenet(), Wanted(M4.isa))
    found = plan(program_layout.schedule)
    assert check(program_layout.schedule, found) == ()
    assert max(needs(program_layout.schedule)) <= found.size
