"""Running compiled models: on this machine, in an emulator."""

from edgeq.runners.program import Port, Profile, Program, Watched, profile, run, watch

__all__ = ["Port", "Profile", "Program", "Watched", "profile", "run", "watch"]
