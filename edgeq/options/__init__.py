"""Options declared once.

An option is a field of a frozen dataclass whose annotation carries an `Option`:

    optimize: Annotated[Goal, Option("What the program is made for", choice(GOALS), commands=BUILD)] = "balanced"

The field is what the Python API takes. From the same declaration come the option of the command line, the key of
edgeq.toml with its error messages, and the row in docs/options.md. A field whose annotation carries a `Section` is
a table of such fields.
"""

from edgeq.options.declare import Declared, Option, Section, options, options_of_command, sections
from edgeq.options.kind import Kind, Origin, choice
from edgeq.options.read import Document, of_each, override, read_arguments, read_table

__all__ = [
    "Declared",
    "Document",
    "Kind",
    "Option",
    "Origin",
    "Section",
    "choice",
    "of_each",
    "options",
    "options_of_command",
    "override",
    "read_arguments",
    "read_table",
    "sections",
]
