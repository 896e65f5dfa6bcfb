"""Programs that are on a device already, at the other end of a serial line."""

from __future__ import annotations

from edgeq.link import BAUD, Probed, find_port, is_rtt, open_stream
from edgeq.runners.fault import reported_fault
from edgeq.runners.runner import Capability, Job, Requirement, Runner
from edgeq.target import RunnerSpec
from edgeq.toolchain.process import Finished


def _requires(spec: RunnerSpec) -> tuple[Requirement, ...]:
    return ()


def _run(job: Job, spec: RunnerSpec) -> Finished:
    from edgeq.runners.by_link import ask  # with numpy, which takes a time of its own to import

    given = spec.settings
    board, core = str(given.get("board") or "the board"), str(given.get("core") or "")
    port = str(given.get("port") or find_port(spec.texts("usb"), board, core))
    known = is_rtt(port) and "ram_bytes" in given
    probed = (
        Probed(spec.text("chip"), spec.text("pack"), spec.number("ram"), spec.number("ram_bytes")) if known else None
    )
    return ask(job, open_stream(port, int(str(given.get("baud") or BAUD)), job.program, probed))


RUNNER = Runner("serial", frozenset(Capability), _requires, _run, fault=reported_fault, loads=False)
