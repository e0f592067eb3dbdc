"""What a district trades cost against, and what else it could do at nearly the same cost.

- :mod:`.frontier`: the least cost under every limit of another measure, such as carbon;
- :mod:`.nearby`: plans that differ as far as they can within a slack of the cost;
- :mod:`.derivatives`: what each price and capacity changes about the cost;
- :mod:`.crossing`: the value of a parameter at which two variants cost the same.

:mod:`.measures` says what can be limited, :mod:`.relaxing` is the one relaxation of all limits,
:mod:`.bounds` shares what is proven between them, :mod:`.solving` finds a plan under a limit from
what is known already.
"""

from citygrid.study.fronts.crossing import BreakEven, break_even
from citygrid.study.fronts.derivatives import Sensitivities, Sensitivity, sensitivities
from citygrid.study.fronts.frontier import front
from citygrid.study.fronts.nearby import alternatives
from citygrid.study.fronts.others import Alternative, Alternatives
from citygrid.study.fronts.points import Front, Point

__all__ = [
    "Alternative", "Alternatives", "BreakEven", "Front", "Point", "Sensitivities", "Sensitivity",
    "alternatives", "break_even", "front", "sensitivities",
]  # fmt: skip
