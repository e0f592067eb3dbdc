"""Many questions to one district; each question is a room of its own.

``scenarios``, ``execution``, ``conduct``, ``store``, ``table``, ``query``, ``report``, ``recorded``
    `citygrid study`: what a study file varies, who computes it, where results are safe, and how
    they are asked, told and recorded.
``rolling``
    `citygrid plan --window`: a long horizon window by window, as one plan with one bound.
``aggregation``
    `citygrid aggregate`: a long horizon by typical periods.
``fronts``
    `citygrid front`, `alternatives`, `sensitivity`, `break-even`: what limits cost, what else would
    do, what matters, and from when on another variant pays.
``resilience``
    `citygrid outages`: what breaks when something fails.
``layouts``
    `citygrid compare-layouts`: one central site, many small ones, and both.

A room knows the verbs and what lies below them, and nothing of the other rooms, but that layouts
ask for outages.
"""
