"""How fast verdicts are given: a limit for each analyst, and an alarm when one gives them in bursts."""

from __future__ import annotations

import logging
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from features.label import Label, Provenance
from service.errors import RateLimitedError
from service.metrics import LABEL_BURSTS

log = logging.getLogger(__name__)

HOUR_SECONDS = 3600.0
BURST_SECONDS = 600.0
BURST_VERDICTS = 300
"""More verdicts than this of one analyst within ``BURST_SECONDS`` are an alarm: a stolen account labels in bulk."""


class _Analyst:
    """When one analyst gave verdicts: within the last hour, and within the time of a burst (epoch seconds)."""

    def __init__(self) -> None:
        self.hour: deque[float] = deque()
        self.burst: deque[float] = deque()
        self.alarmed = False

    def forget(self, now: float) -> None:
        for times, seconds in ((self.hour, HOUR_SECONDS), (self.burst, BURST_SECONDS)):
            while times and times[0] <= now - seconds:
                times.popleft()


class Pace:
    """Counts the verdicts of each analyst of each tenant; imports, which only an admin may send, are not counted.

    ``given`` are the labels stored within the last hour, oldest first, so that a restart forgives nothing.
    """

    def __init__(self, most_an_hour: int, given: Iterable[Label] = ()) -> None:
        self._most = most_an_hour
        self._analysts: dict[tuple[str, str], _Analyst] = {}
        for label in given:
            self.note(label)

    def admit(self, labels: Sequence[Label], known: Callable[[Label], bool]) -> None:
        """Raise ``RateLimitedError`` unless the labels of a request (of one analyst) are within the limit.

        ``known`` says whether a label was stored before: sending those again is free.
        """
        counted = [label for label in labels if label.provenance is not Provenance.IMPORT]
        if not counted:
            return
        now, analyst = counted[-1].received_time.timestamp(), self._of(counted[-1])
        analyst.forget(now)
        if len(analyst.hour) + len(counted) <= self._most:
            return
        new = sum(not known(label) for label in counted)
        excess = len(analyst.hour) + new - self._most
        if new and excess > 0:
            free = analyst.hour[excess - 1] + HOUR_SECONDS if excess <= len(analyst.hour) else now + HOUR_SECONDS
            raise RateLimitedError(f"at most {self._most} verdicts an hour and analyst", max(1, math.ceil(free - now)))

    def note(self, label: Label) -> None:
        """Count a stored label, and raise the alarm when it makes a burst."""
        if label.provenance is Provenance.IMPORT:
            return
        now, analyst = label.received_time.timestamp(), self._of(label)
        analyst.forget(now)
        analyst.hour.append(now)
        analyst.burst.append(now)
        bursts = len(analyst.burst) > BURST_VERDICTS
        if bursts and not analyst.alarmed:
            LABEL_BURSTS.inc()
            log.warning(
                "analyst %s of tenant %s gave %d verdicts in ten minutes", label.analyst, label.tenant, len(analyst.burst)
            )
        analyst.alarmed = bursts

    def _of(self, label: Label) -> _Analyst:
        return self._analysts.setdefault((label.tenant, label.analyst), _Analyst())
