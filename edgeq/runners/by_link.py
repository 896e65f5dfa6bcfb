"""Programs that are asked over a line (edgeq.link): what they would do with files is done from here."""

from __future__ import annotations

from contextlib import closing

import numpy as np

from edgeq.errors import ToolError
from edgeq.link import Device, DeviceFault, Stream
from edgeq.runners.fault import EXIT_CODE
from edgeq.runners.runner import Job
from edgeq.toolchain.process import Finished


def ask(job: Job, stream: Stream) -> Finished:
    """Do what firmware/platform/programs/files/main.c does with a job's words, by asking.

    Args:
        job: its program is at the other end already.
        stream: the line, which is closed afterwards.

    Raises:
        ToolError: nothing answers, or it is another program.
    """
    with closing(stream):
        try:
            device = Device(stream)
            _check(device, job, stream.name)
            _obey(device, job)
        except DeviceFault as fault:
            return Finished(EXIT_CODE, "", f"{fault.report}\n")
    return Finished(0, "", "")


def _check(device: Device, job: Job, where: str) -> None:
    """Make sure that the device has the model that this is about, and ask that from now on.

    Raises:
        ToolError: it has another, or its weights are not there.
    """
    there = device.choose(job.identity) if job.identity else (device.info,)
    info = there[-1]
    if job.identity and info.identity != job.identity:
        models = "another model, or another build of it" if len(there) == 1 else "other models, or other builds"
        raise ToolError(
            f"the device has {models}: {'; '.join(f'{each.name}, {each.identity}' for each in there)}",
            hint=f"flash this one, whose identity is {job.identity}: edgeq flash DIR",
            where=where,
        )
    if info.weights_fault:
        hint = "flash it again: edgeq flash DIR writes the file of weights, too"
        raise ToolError(f"the weights in the device's memory are {info.weights_fault}", hint=hint, where=where)


def _obey(device: Device, job: Job) -> None:
    command, source, result, *more = job.words
    records = np.fromfile(job.folder / source, np.uint8).reshape(-1, device.info.input_bytes)
    if command == "profile":
        device.profile(records[0] if len(records) == 1 else records, int(more[0]), job.patience).tofile(
            job.folder / result
        )
        return
    steps = int(more.pop(0)) if command == "sequences" else None
    found = device.run(records, steps, bool(more), job.patience, job.progress)
    found.outputs.tofile(job.folder / result)
    if more:
        np.array([found.stack, found.arena], "<u8").tofile(job.folder / more[0])
