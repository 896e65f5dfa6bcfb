"""What edgeq's results cost and whether they are right: see README.md."""
