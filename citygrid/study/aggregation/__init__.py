"""Long horizons by typical periods, and what that costs in accuracy.

A horizon is cut into periods of a day or a week, alike ones are clustered, and all periods of a
cluster get the data of one of them (:mod:`.periods`). What results is an ordinary case over the
whole horizon, in which flows of like periods are made equal by one substitution of columns
(:mod:`.shared`), while levels of stores go their own way through all periods. So no step needs a
weight, ledger and verdict are those of any plan, and stores carry energy from season to season.
:mod:`.typical` plans it and states the error against the horizon as it is.
"""

from citygrid.study.aggregation.periods import Periods, cluster, repeated
from citygrid.study.aggregation.shared import share
from citygrid.study.aggregation.typical import Aggregated, aggregate

__all__ = ["Aggregated", "Periods", "aggregate", "cluster", "repeated", "share"]
