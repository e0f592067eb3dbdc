"""``python -m citygrid`` is the command line, for whoever has no ``citygrid`` on the path."""

from citygrid.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
