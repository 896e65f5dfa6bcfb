"""Normative arithmetic: what an integer result of edgeq is."""
