"""`python -m edgeq` is the command line."""

import sys

if __name__ == "__main__":
    try:
        from edgeq.cli.main import entry

        entry()
    except KeyboardInterrupt:  # before there was a command line
        print("interrupted", file=sys.stderr)
        sys.exit(130)
