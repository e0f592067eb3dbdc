"""Rolling horizon: a long horizon decided window by window, and held against a proven bound.

The whole horizon is formulated once. Each window is a part of that form (``model/windows.py``), in
which what was decided before is known and what comes later is priced by the relaxation of the
whole (``outlook.py``); any route decides it, the first part of it is kept, and the next window
begins there (``engine.py``). What comes out is one plan of the whole case, verified as one, with a
bound that the relaxation or the windows prove (``bound.py``).
"""

from __future__ import annotations

from citygrid.study.rolling.checkpoint import forget
from citygrid.study.rolling.roll import roll, roll_model

__all__ = ["forget", "roll", "roll_model"]
