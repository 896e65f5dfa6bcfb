"""The graph: tensors, operators, nodes, and what makes a graph well formed."""
