"""Figures about a built model: accuracy, cost, memory, size and stack."""
