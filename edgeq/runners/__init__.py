"""Running compiled models: on this machine, in an emulator."""

from edgeq.runners.program import Port, Profile, Program, profile, run

__all__ = ["Port", "Profile", "Program", "profile", "run"]
