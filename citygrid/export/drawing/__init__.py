"""The district as a drawing, which the report, pages of studies and figures for papers share.

:mod:`.projection` leads from the world to pixels; :mod:`.picture` draws lines and footprints,
:mod:`.places` nodes and :mod:`.plates` components, where :mod:`.room` finds them a place.
"""
