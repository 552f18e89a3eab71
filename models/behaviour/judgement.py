"""What is said of behaviour: of one event, and of one account's day."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from features.alert import EntityKind

COLD = "too few active days are known: not judged"


class Deviation(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One thing in which behaviour deviates: the feature's ``name``, a sentence, what was ``observed`` and what ``expected``.

    ``surprise`` is in nats, higher is more abnormal. ``value`` is what was new or rare (a country, a device), if it is one value.
    """

    name: str
    text: str
    surprise: float
    value: str = ""
    observed: float | None = None
    expected: float | None = None


class EventJudgement(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The judgement of one event by what was known before it. ``anomaly_score``: higher is more abnormal.

    ``cold``: little is known of the account, so its own past says little.
    """

    uid: str
    tenant: str
    kind: EntityKind
    entity: str
    time: datetime
    anomaly_score: float
    deviations: tuple[Deviation, ...]
    cold: bool = False

    @property
    def reasons(self) -> list[str]:
        """What deviates, in words."""
        return [one.text for one in self.deviations]


class DayJudgement(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The judgement of one account's UTC day by what was known at its end.

    ``anomaly_score``: higher is more abnormal. ``p_value``: how often the account's and its group's past was as strange.
    ``flagged``: called out at the day's rate of false discovery. ``cold``: too little is known, so nothing is said.
    """

    tenant: str
    kind: EntityKind
    entity: str
    day: date
    anomaly_score: float
    p_value: float
    flagged: bool
    cold: bool
    events: int
    deviations: tuple[Deviation, ...]

    @property
    def reasons(self) -> list[str]:
        """What deviates, in words; of a cold account, that it is one."""
        return [COLD] if self.cold else [one.text for one in self.deviations]
