"""Running compiled models: on this machine, in an emulator."""

from typing import TYPE_CHECKING

from edgeq.lazy import lazy

if TYPE_CHECKING:
    from edgeq.runners.program import Port, Profile, Program, Watched, loads_program, profile, run, watch, watches_stack
    from edgeq.runners.runner import Capability, Fault, Job, Requirement, Runner
    from edgeq.runners.table import RUNNERS, Way, way_to_run, ways

__all__ = [
    "RUNNERS",
    "Capability",
    "Fault",
    "Job",
    "Port",
    "Profile",
    "Program",
    "Requirement",
    "Runner",
    "Watched",
    "Way",
    "loads_program",
    "profile",
    "run",
    "watch",
    "watches_stack",
    "way_to_run",
    "ways",
]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "edgeq.runners.program": "Port Profile Program Watched loads_program profile run watch watches_stack",
        "edgeq.runners.runner": "Capability Fault Job Requirement Runner",
        "edgeq.runners.table": "RUNNERS Way way_to_run ways",
    },
)
