"""Poisoning probes: do recent verdicts, or what a challenger made of them, hide attacks that were known?

An attacker who owns an analyst's account calls attacks benign, so that the next ones pass. Two traces of that can be seen
before any harm: around one rule, entity or address one person alone contradicts a model that has not learned from them; and
known attacks, were they to carry what was called benign, sink.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.counters import CounterState
from features.default_view import JUDGED_FEATURES
from features.encode import COLUMNS, FactBlock, FactKind
from features.label import Label, Provenance
from models.bundle import ModelBundle
from models.ledger import LeftOut
from models.rule_encoder import RuleTable, encode_rules
from training.dataset import Dataset
from training.fit import TrainingRows
from training.later import champion_scores
from training.trust import Trust
from training.walk import CHUNK

KNOWN_ATTACKS = 200
"""Known attacks, at most, that the tokens are put into."""
RISE = 0.1
"""How much larger the share of known attacks that sink may be, for any token, than with the champion before these verdicts."""
SUSPECTED = 0.2
"""Probability of an attack from which on a verdict "benign" is near enough to suppression to need a second voice."""
ALONE = 4
"""Groups around one token that one person may call benign against the champion with nobody to agree."""
SECONDED = 0.5
"""How much of it others must have called benign too, in proportion, for a token to rest on more than one voice."""
SWAPPED = ("rule", "entity", "user", "address")


@dataclass(frozen=True)
class Recent:
    """``benign`` b[n], ``attack`` b[n]: alerts with such a label in force that the champion has not learned from; ``labels``: all
    labels that it has not heard of, in force or not, by (tenant, uid)."""

    benign: NDArray[np.bool_]
    attack: NDArray[np.bool_]
    labels: set[tuple[str, str]]


def recent(dataset: Dataset, champion: ModelBundle) -> Recent:
    """Return what was said since the champion was trained. Imports count by the time of their alert."""
    end = champion.manifest.end
    new = np.zeros(len(dataset), bool)
    people = (label for _, label in dataset.labels if label.provenance is not Provenance.IMPORT)
    uids = {(label.tenant, label.uid) for label in people if _unknown(champion, label)}
    for row in np.flatnonzero(dataset.verdicts.label >= 0).tolist():
        label = dataset.labels[int(dataset.verdicts.label[row])][1]
        if label.provenance is Provenance.IMPORT and dataset.block.time[row] > end:
            uids.add((label.tenant, label.uid))
        new[row] = (label.tenant, label.uid) in uids
    return Recent(new & (dataset.target == 0), new & (dataset.target == 1), uids)


def without(dataset: Dataset, fresh: Recent) -> list[tuple[int, Label]]:
    """Return the labels as they were before the recent ones."""
    return [item for item in dataset.labels if (item[1].tenant, item[1].uid) not in fresh.labels]


def belief_before(dataset: Dataset, champion: ModelBundle, fresh: Recent) -> NDArray[np.float64]:
    """Return the champion's probability of an attack f8[n] for each alert with a recent label, as if that had not been given."""
    return champion.calibrator(champion_scores(dataset, fresh.benign | fresh.attack, champion, without(dataset, fresh)))


def _unknown(champion: ModelBundle, label: Label) -> bool:
    return champion.ledger.find(label.tenant, label.uid) in {None, LeftOut.EXCLUDED, LeftOut.LIKELY_WRONG}


# -- verdicts that nobody seconds ---------------------------------------------------------------------------------------


def not_agreed(dataset: Dataset, belief: NDArray[np.float64], fresh: Recent) -> NDArray[np.int64]:
    """Return the alerts that people call benign against the champion but do not agree on, the most suspected first.

    ``belief`` f8[n]: probability of an attack by a model that has not learned from these verdicts (NaN: none). What is agreed
    on for one alert of a group is for all of them.
    """
    agreed = dataset.group[dataset.verdicts.confirmed & (dataset.target == 0)]
    open_yet = (dataset.verdicts.principal >= 0) & ~np.isin(dataset.group, agreed)
    rows = np.flatnonzero(fresh.benign & (belief >= SUSPECTED) & open_yet)
    return rows[np.argsort(-belief[rows], kind="stable")]


def lone_voices(dataset: Dataset, belief: NDArray[np.float64], fresh: Recent) -> list[str]:
    """Return a sentence for each token around which one person calls much benign against the champion that is not agreed on.

    People err in one verdict of six, so a few around one rule, entity, user or address prove nothing against anybody; but what
    would make Tamis look away from something suspected is not to rest on one account. It does not when others say the same of
    as much of it, or second looks agree (see :func:`not_agreed`).
    """
    rows = not_agreed(dataset, belief, fresh)
    frame = pd.DataFrame({name: dataset.block.columns[rows, COLUMNS.index(name)] for name in ("tenant", *SWAPPED)})
    frame["who"], frame["group"] = dataset.verdicts.principal[rows], dataset.group[rows]
    found = []
    for kind in SWAPPED:
        voices = frame[frame[kind] != 0].groupby(["tenant", kind, "who"])["group"].nunique()
        whole = voices.groupby(["tenant", kind]).sum()
        loud = voices[voices >= ALONE]
        for (tenant, token, who), alone in zip(loud.index.to_list(), loud.to_list(), strict=True):
            if whole[tenant, token] - alone < SECONDED * alone:
                found.append(
                    f"{alone} times {_who(dataset, who)} calls benign, and nobody agrees, what the champion suspects, around the "
                    f"{kind} {token_name(dataset, kind, token, rows)}: another person should look (tamis assess)"
                )
    return found


def _who(dataset: Dataset, principal: int) -> str:
    return dataset.verdicts.principals[principal].replace("\x1f", " / ")


def token_name(dataset: Dataset, kind: str, token: object, rows: NDArray[np.int64]) -> str:
    """Return what a person calls a token: rules by name, entities by an alert that carries them."""
    if kind == "rule":
        rule = dataset.encoder.rules.get(int(str(token)))
        return rule.name or rule.uid if rule else "unknown"
    at = rows[np.flatnonzero(dataset.block.columns[rows, COLUMNS.index(kind)] == token)[0]]
    return f"of alert {dataset.uids[at]}"


# -- known attacks that carry what was called benign ---------------------------------------------------------------------


def sinking(rows: TrainingRows, trusted: Trust, challenger: ModelBundle, champion: ModelBundle, fresh: Recent) -> list[str]:
    """Return a sentence for each token that makes more known attacks sink than before.

    Each rule, entity, user and address of recent benign labels is put into known attacks: what verdicts say of the token now
    takes the place of what they said of the attack's own. The challenger with all verdicts is held against the champion
    without the recent ones; an attack sinks when its score falls below the threshold (where none was granted: below half of
    the benign training rows).
    """
    dataset = rows.dataset
    attacks = _known_attacks(rows, trusted, fresh)
    tokens = _tokens(dataset, fresh)
    if not len(attacks) or not tokens:
        return []
    before = without(dataset, fresh)
    sides = [
        _Side(challenger, _state(dataset, challenger, dataset.labels), _threshold(rows, challenger)),
        _Side(champion, _state(dataset, champion, before), _threshold(rows, champion)),
    ]
    found = []
    for token in tokens:
        now, then = (side.sunk(rows, attacks, token) for side in sides)
        if now > then + RISE:
            name = token_name(dataset, token.kind, token.value, np.flatnonzero(fresh.benign))
            found.append(
                f"{now:.0%} of known attacks would sink if they carried the {token.kind} {name}, with the champion {then:.0%}"
            )
    return found


class Token(NamedTuple):
    """A value of one column of a tenant's facts, as hashes."""

    kind: str
    tenant: np.uint64
    value: np.uint64


@dataclass(frozen=True)
class _Side:
    """A model with the counters that it would meet now, and the score below which an attack sinks."""

    bundle: ModelBundle
    state: CounterState
    threshold: float

    def sunk(self, rows: TrainingRows, attacks: NDArray[np.int64], token: Token) -> float:
        """Return the share of the known attacks whose score, were they to carry the token, lies below the threshold."""
        bundle, block = self.bundle, rows.block.take(attacks)
        columns = block.columns.copy()
        columns[:, COLUMNS.index("tenant")], columns[:, COLUMNS.index(token.kind)] = token.tenant, token.value
        now = np.full(len(attacks), float(rows.dataset.received.max()))
        probe = FactBlock(now, np.full(len(attacks), FactKind.PROBE, np.uint8), block.weight, columns, block.values)
        encodings, _ = _table(bundle, rows.dataset).read(probe)
        told = bundle.view.read(self.state, probe.widen(encodings))
        features = encode_rules(bundle.view, rows.features[attacks], encodings)
        for name in JUDGED_FEATURES:
            if name in bundle.view.names:
                features[:, bundle.view.index(name)] = told[:, bundle.view.index(name)]
        return float((bundle.calibrator(bundle.raw(features)) < self.threshold).mean())


def _known_attacks(rows: TrainingRows, trusted: Trust, fresh: Recent) -> NDArray[np.int64]:
    """Return places in ``rows`` of attacks that are believed and not recent, one of a group, spread over everything."""
    dataset = rows.dataset
    known = (dataset.target[rows.alert] == 1) & ~fresh.attack[rows.alert] & ~trusted.doubted[rows.alert]
    places = np.flatnonzero(known)
    _, first = np.unique(dataset.group[rows.alert[places]], return_index=True)
    places = places[np.sort(first)]
    return (
        places[np.unique(np.linspace(0, len(places) - 1, min(KNOWN_ATTACKS, len(places))).astype(int))] if len(places) else places
    )


def _tokens(dataset: Dataset, fresh: Recent) -> list[Token]:
    found = []
    for kind in SWAPPED:
        pairs = dataset.block.columns[fresh.benign][:, [COLUMNS.index("tenant"), COLUMNS.index(kind)]]
        found += [Token(kind, tenant, value) for tenant, value in np.unique(pairs, axis=0) if value != 0]
    return found


def _table(bundle: ModelBundle, dataset: Dataset) -> RuleTable:
    return RuleTable(bundle.encoder, dataset.encoder.rules, dataset.encoder.tenants)


def _state(dataset: Dataset, bundle: ModelBundle, labels: list[tuple[int, Label]]) -> CounterState:
    """Return the counters at the end of the data set."""
    state = CounterState(bundle.view.spec, dataset.encoder.secret)
    table = _table(bundle, dataset)
    block = dataset.timeline(labels).block
    for start in range(0, len(block), CHUNK):
        some = block.take(slice(start, start + CHUNK))
        state.walk(some.widen(table.read(some)[0]), *bundle.view.compiled(), np.zeros((0, len(bundle.view.features))))
    return state


def _threshold(rows: TrainingRows, bundle: ModelBundle) -> float:
    if bundle.policy.suppress_below is not None:
        return bundle.policy.suppress_below
    benign = np.flatnonzero(rows.dataset.target[rows.alert] == 0)
    some = benign[:: max(1, len(benign) // 20_000)]
    encodings, _ = _table(bundle, rows.dataset).read(rows.block.take(some))
    return float(np.median(bundle.calibrator(bundle.raw(encode_rules(bundle.view, rows.features[some], encodings)))))
