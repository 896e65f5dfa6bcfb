"""One file per operator; `edgeq.ir.op.registry` finds them. Files with a leading underscore are shared by several."""
