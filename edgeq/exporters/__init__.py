"""Graph → model files of other tools."""
