"""Read stored plans with netCDF4 and numpy alone, and check them again: a second pair of eyes.

    python scripts/reread PLAN.nc …

Nothing of the package that made a plan is imported, and nothing of how it reads plans: what is
wrong there is not wrong here in the same way. Exit code 0: nothing was found; 5: a plan breaks
something, one line each; 2: a file cannot be read. What is checked stands in ``reader.py``.
"""

from __future__ import annotations

import sys

from reader import reread


def main(paths: list[str]) -> int:
    """Check every plan; the worst exit code of all."""
    if not paths:
        print("usage: python scripts/reread PLAN.nc …", file=sys.stderr)
        return 2
    worst = 0
    for path in paths:
        try:
            found = reread(path)
        except (OSError, KeyError, ValueError, IndexError, AttributeError, TypeError) as error:
            print(f"{path}: is no plan that can be read ({error})", file=sys.stderr)
            worst = max(worst, 2) if worst != 5 else 5
            continue
        print(f"{path}: " + ("keeps what is checked" if not found else f"breaks {len(found)} laws"))
        for each in found:
            print(f"  {each}")
        worst = 5 if found else worst
    return worst


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
