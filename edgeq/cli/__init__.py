"""The command line `edgeq`: one module per command, and texts for people."""
