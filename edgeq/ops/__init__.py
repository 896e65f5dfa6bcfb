"""One file per operator; `edgeq.ir.op.registry` finds them. Files with a leading underscore are shared by several.

An operator's file defines its meaning and its portable kernels; those for instruction sets are in `edgeq.kernels`.
"""
