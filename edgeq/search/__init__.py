"""Search: which setting of each layer is worth its cost."""
