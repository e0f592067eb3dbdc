"""What `citygrid verify` prints of the outside checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from citygrid.plan.plan import Plan


def beside_pandapower(plan: Plan, hours: str) -> tuple[list[dict[str, Any]], list[str], bool]:
    """The hours for JSON, in words, and whether pandapower found a flow in each of them."""
    from citygrid.plan.power_flow import check_grid, unchecked_lines

    checks = check_grid(plan.case, plan, hours)
    lines = ["beside pandapower, drawn at a power factor of 1:"]
    lines += [f"  {line}" for check in checks for line in check.lines()]
    unchecked = unchecked_lines(plan.case)
    if unchecked:
        lines.append(f"  not checked, for want of length, cross_section and voltage: "
                     f"{', '.join(unchecked)}")  # fmt: skip
    return [c.as_dict() for c in checks], lines, all(c.failure is None for c in checks)


def beside_pandapipes(plan: Plan, hours: str) -> tuple[list[dict[str, Any]], list[str], bool]:
    """The hours for JSON, in words, and whether pandapipes found a flow in each of them.

    A linear model that is off is told and not refused: it is an approximation, and says so.
    """
    from citygrid.plan.hydraulics import check_hydraulics

    checks = check_hydraulics(plan.case, plan, hours)
    lines = ["beside pandapipes, each hour as if it stood still:"]
    lines += [f"  {line}" for check in checks for line in check.lines()]
    return [c.as_dict() for c in checks], lines, all(c.found is not None for c in checks)
