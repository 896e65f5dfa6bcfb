"""An independent check of memory plans: it executes the plan on a model of the arena in which every byte has an owner.

It knows nothing of liveness or of the planner's rules, so that a mistake there shows here.
"""

from __future__ import annotations

import numpy as np

from edgeq.memory.schedule import ALIGNMENT, Plan, Schedule


def _apart(a: int, a_size: int, b: int, b_size: int) -> bool:
    return a_size == 0 or b_size == 0 or a + a_size <= b or b + b_size <= a


def check(schedule: Schedule, plan: Plan) -> tuple[str, ...]:
    """Everything that is wrong with a plan, as sentences; empty if it is right.

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

    def intact(name: str, start: int, size: int) -> bool:
        return name in number and bool(np.all(owner[start : start + size] == number[name]))

    for name in schedule.inputs:
        owner[plan.offsets[name] : plan.offsets[name] + sizes[name]] = number[name]
    for name in schedule.inputs:
        if not intact(name, plan.offsets[name], sizes[name]):
            problems.append(f"input {name!r} is overwritten by another input")
    for step, scratch in zip(schedule.steps, plan.scratch, strict=True):
        written = []
        for k, name in enumerate(step.writes):
            part = step.parts[k] if k < len(step.parts) else None
            written.append((name, plan.offsets[name] + (part.start if part else 0), part.size if part else sizes[name]))
        for read in step.reads:
            start, size = plan.offsets[read.buffer], sizes[read.buffer]
            if read.part is not None:
                start, size = start + read.part.start, read.part.size
            if not intact(read.buffer, start, size):
                problems.append(f"{step.name} reads {read.buffer!r} after it was overwritten")
            for name, out, length in written:
                if _apart(start, size, out, length):
                    continue
                if len(step.writes) > 1 or not read.allows(start - out):
                    problems.append(f"{step.name} overwrites {read.buffer!r} with {name!r} while reading it")
            if not _apart(start, size, scratch, step.scratch):
                problems.append(f"scratch of {step.name} lies over {read.buffer!r}")
        owner[scratch : scratch + step.scratch] = -1
        for name, out, length in written:
            owner[out : out + length] = number[name]
        for name, out, length in written:
            if not intact(name, out, length):
                problems.append(f"{step.name} overwrites its output {name!r} with another one")
            if not _apart(out, length, scratch, step.scratch):
                problems.append(f"scratch of {step.name} lies over {name!r}")
    for name in schedule.outputs:
        if not intact(name, plan.offsets[name], sizes[name]):
            problems.append(f"output {name!r} is overwritten before the end")
    return tuple(problems)
