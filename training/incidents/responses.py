"""Whether the recommended playbook is the one that the simulated truth calls for.

The incidents are the true ones: what correlation makes of alerts is measured elsewhere, so that the two are not mixed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from features.alert import Alert
from features.history import read_alerts
from models.incidents.incident import Incident
from models.playbooks.incident_type import IncidentType, type_of
from models.playbooks.loading import Catalogue
from models.playbooks.recommend import recommend
from training.incidents.lines import lines
from training.simulator import Simulated, simulate
from training.simulator.responses import called_for

_OUTSIDE = "198."
"""So begin the simulator's addresses outside."""


class TrueIncident(NamedTuple):
    """A campaign as far as alerts spoke of it."""

    incident: Incident
    campaign: str
    steps: frozenset[str]
    named: frozenset[str]

    @property
    def right(self) -> frozenset[str]:
        """The playbooks (slugs) that it is right to start with."""
        return called_for(self.campaign, self.steps, self.named)


class Judged(NamedTuple):
    """What was recommended first for a true incident (a slug), and whether that is ``right``."""

    true: TrueIncident
    type: IncidentType
    recommended: str

    @property
    def right(self) -> bool:
        """Whether a competent responder starts so."""
        return self.recommended in self.true.right


def true_incidents(simulated: Simulated) -> list[TrueIncident]:
    """Group the alerts of attackers by the incident that they truly belong to."""
    truth = pd.read_parquet(simulated.truth)
    told = truth[truth["attack"]]
    where = dict(zip(told["alert_uid"], told["incident_uid"], strict=True))
    alerts: defaultdict[str, list[Alert]] = defaultdict(list)
    for batch in read_alerts(simulated.history):
        for _, alert in batch:
            if alert.uid in where:
                alerts[where[alert.uid]].append(alert)
    found = []
    for uid, rows in told.groupby("incident_uid"):
        some, steps = alerts[str(uid)], frozenset(map(str, rows["step"])) - {""}
        found.append(
            TrueIncident(
                Incident(uid=str(uid), tenant=some[0].tenant, lines=lines(some)),
                str(rows["campaign"].iloc[0]),
                steps,
                _named(some),
            )
        )
    return found


def _named(alerts: Iterable[Alert]) -> frozenset[str]:
    """Return what alerts name of ``host``, ``user``, ``address`` (outside) and ``domain``."""
    entities = {(entity.kind.value, entity.uid) for alert in alerts for entity in alert.entities}
    found = {kind for kind, uid in entities if kind != "address" or uid.startswith(_OUTSIDE)}
    return frozenset(found | {observable.kind for alert in alerts for observable in alert.observables})


def judge(truths: Iterable[TrueIncident], catalogue: Catalogue) -> list[Judged]:
    """Ask for the next step of each incident, with nothing done and nothing known of the past."""
    return [
        Judged(true, type_of(true.incident).type, next((one.slug for one in recommend(true.incident, catalogue)), ""))
        for true in truths
    ]


def judge_worlds(folder: Path, catalogue: Catalogue, seeds: Sequence[int], tenants: int = 3, days: int = 60) -> list[Judged]:
    """Simulate a world for each seed in ``folder`` and judge what is recommended in all of them."""
    worlds = (simulate(tenants, days, seed, folder / f"seed-{seed}") for seed in seeds)
    return [judged for world in worlds for judged in judge(true_incidents(world), catalogue)]


def share_right(judged: Sequence[Judged]) -> float:
    """Return the share for which the first recommendation is right; NaN of nothing."""
    return sum(one.right for one in judged) / len(judged) if judged else float("nan")


def by_campaign(judged: Sequence[Judged]) -> pd.DataFrame:
    """Return for each campaign ``incidents``, how many are ``right``, and the ``share``."""
    frame = pd.DataFrame({"campaign": [one.true.campaign for one in judged], "right": [one.right for one in judged]})
    found = frame.groupby("campaign")["right"].agg(incidents="size", right="sum", share="mean")
    return found.reset_index()
