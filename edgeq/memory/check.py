"""An independent check of memory plans: it executes the plan on a model of the arena in which every byte has an owner.

It knows nothing of liveness or of the planner's rules, so that a mistake there shows here.
"""

from __future__ import annotations

import numpy as np

from edgeq.memory.schedule import ALIGNMENT, Plan, Schedule


def _apart(a: int, a_size: int, b: int, b_size: int) -> bool:
    return a_size == 0 or b_size == 0 or a + a_size <= b or b + b_size <= a


def check(schedule: Schedule, plan: Plan) -> tuple[str, ...]:
    """Everything that is wrong with a plan, as sentences; empty when it is right.

    Checked: every buffer has an aligned place within the arena; whatever a step reads, and whatever is an output, still
    holds its data then; an output lies over an input only as the kernel allows; scratch memory touches nothing the
    step reads or writes.
    """
    names = list(dict.fromkeys([*schedule.inputs, *(w for s in schedule.steps for w in s.writes)]))
    sizes, problems = schedule.sizes, list[str]()
    places = [(repr(n), plan.offsets.get(n, -1), sizes[n]) for n in names]
    places += [(f"scratch of {s.name}", o, s.scratch) for s, o in zip(schedule.steps, plan.scratch, strict=True)]
    for label, offset, size in places:
        if offset < 0 or offset + size > plan.size:
            problems.append(f"{label} lies outside of the arena")
        elif offset % ALIGNMENT:
            problems.append(f"{label} is not aligned to {ALIGNMENT} bytes")
    if problems:
        return tuple(problems)

    owner = np.full(plan.size, -1, np.int64)
    number = {name: i for i, name in enumerate(names)}

    def region(name: str) -> slice:
        return slice(plan.offsets[name], plan.offsets[name] + sizes[name])

    def intact(name: str) -> bool:
        return name in number and bool(np.all(owner[region(name)] == number[name]))

    for name in schedule.inputs:
        owner[region(name)] = number[name]
    for name in schedule.inputs:
        if not intact(name):
            problems.append(f"input {name!r} is overwritten by another input")
    for step, scratch in zip(schedule.steps, plan.scratch, strict=True):
        for read in step.reads:
            if not intact(read.buffer):
                problems.append(f"{step.name} reads {read.buffer!r} after it was overwritten")
            start, size = plan.offsets[read.buffer], sizes[read.buffer]
            for name in step.writes:
                out = plan.offsets[name]
                if _apart(start, size, out, sizes[name]):
                    continue
                if len(step.writes) > 1 or not read.allows(start - out):
                    problems.append(f"{step.name} overwrites {read.buffer!r} with {name!r} while reading it")
            if not _apart(start, size, scratch, step.scratch):
                problems.append(f"scratch of {step.name} lies over {read.buffer!r}")
        owner[scratch : scratch + step.scratch] = -1
        for name in step.writes:
            owner[region(name)] = number[name]
        for name in step.writes:
            if not intact(name):
                problems.append(f"{step.name} overwrites its output {name!r} with another one")
            if not _apart(plan.offsets[name], sizes[name], scratch, step.scratch):
                problems.append(f"scratch of {step.name} lies over {name!r}")
    problems += [f"output {name!r} is overwritten before the end" for name in schedule.outputs if not intact(name)]
    return tuple(problems)
