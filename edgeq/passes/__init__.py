"""Rewritings of a graph, one pure function per file; `pipeline.py` alone says in which order they run."""
