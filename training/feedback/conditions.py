"""Under which conditions feedback is given, and the model that learns from it."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Labels(Enum):
    """Which alerts get a verdict."""

    ALL = "all"
    SHOWN = "shown"
    NAIVE = "shown, all others taken as benign"


class Condition(NamedTuple):
    """``late``: verdicts come after hours to days; ``wrong``: analysts err; ``owned``: share of the verdicts that an attacker gives."""

    name: str
    labels: Labels
    late: bool = True
    wrong: bool = True
    owned: float = 0.0
    retrains: bool = True


FULL = Condition("full labels", Labels.ALL, late=False, wrong=False)
SELECTIVE = Condition("selective", Labels.SHOWN, late=False, wrong=False)
LIFE = Condition("selective, late, 17 % wrong", Labels.SHOWN)
OWNED = Condition("… and 1 % owned by an attacker", Labels.SHOWN, owned=0.01)
NEVER = Condition("never retrained", Labels.SHOWN, retrains=False)
NAIVE = Condition("naive: unlabelled is benign", Labels.NAIVE)

CONDITIONS = (FULL, SELECTIVE, LIFE, OWNED, NEVER, NAIVE)
