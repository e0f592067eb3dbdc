"""What a district trades cost against, and what else it could do at nearly the same cost.

- :mod:`.frontier`: the least cost under every limit of another measure, such as carbon;
- :mod:`.nearby`: plans that differ as far as they can within a slack of the cost.

:mod:`.measures` says what can be limited, :mod:`.bounds` shares what is proven between limits,
:mod:`.solving` finds a plan under a limit from what is known already.
"""

from citygrid.study.fronts.frontier import front
from citygrid.study.fronts.nearby import Alternative, Alternatives, alternatives
from citygrid.study.fronts.points import Front, Point

__all__ = ["Alternative", "Alternatives", "Front", "Point", "alternatives", "front"]
