"""Mutation operators: each makes a right plan wrong in one way, and names the law that it breaks.

An operator gets an honest plan and a random generator and gives a mutant, or ``None`` where the
plan has nothing for it. ``certain`` mutants are wrong by what they are (another unit, another
hour). Of the others, whose numbers alone are changed, the formulation says whether they break
anything: see ``laws.py``.
"""

from __future__ import annotations

from tests.plan.mutations import books, choices, frame, numbers
from tests.plan.mutations.tools import OPERATORS, Mutant

__all__ = ["OPERATORS", "Mutant", "books", "choices", "frame", "numbers"]
