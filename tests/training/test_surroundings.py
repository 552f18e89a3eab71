"""Surroundings: the same as when every pair of alerts is looked at; what was judged in one is no company to itself."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from features.alert import Alert, Entity, EntityKind, Role
from features.encode import COLUMNS
from features.label import Provenance
from tests.conftest import build_alert, build_label
from tests.training.datasets import ATTACK, BENIGN, dataset_of
from training.dataset import Dataset
from training.surroundings import NEAR_SECONDS, Surroundings, judgements

COUNT = 150


def _alert(number: int, rng: np.random.Generator) -> Alert:
    entities = (
        Entity(EntityKind.HOST, f"h{rng.integers(4)}", Role.DEVICE),
        *([Entity(EntityKind.USER, f"u{rng.integers(3)}", Role.ACTOR)] if rng.random() < 0.6 else []),
        *([Entity(EntityKind.ADDRESS, f"10.0.0.{rng.integers(5)}", Role.ACTOR)] if rng.random() < 0.6 else []),
    )
    at = float(rng.uniform(0.0, 6.0 * NEAR_SECONDS))
    return build_alert(number, at=at, tenant=f"t{rng.integers(2)}", rule=f"r{rng.integers(5)}", entities=entities)


def _dataset(folder: Path, seed: int) -> tuple[Dataset, NDArray[np.float64]]:
    """Return alerts of few entities, a third of them judged, some together, some by import; one in ten has no margin."""
    rng = np.random.default_rng(seed)
    alerts = [_alert(i, rng) for i in range(COUNT)]
    labels = [
        build_label(a, ATTACK if rng.random() < 0.4 else BENIGN, uid=f"l{i}", analyst=f"p{rng.integers(2)}", after=90.0)
        for i, a in enumerate(alerts)
        if rng.random() < 0.33
    ]
    moment = max(label.time for label in labels)
    labels = [msgspec.structs.replace(x, time=moment, received_time=moment) if i % 3 == 0 else x for i, x in enumerate(labels)]
    labels = [msgspec.structs.replace(x, provenance=Provenance.IMPORT) if i % 5 == 0 else x for i, x in enumerate(labels)]
    raw = np.where(rng.random(COUNT) < 0.1, np.nan, rng.normal(size=COUNT))
    return dataset_of(folder, alerts, labels), raw


def _by_pairs(dataset: Dataset, raw: NDArray[np.float64], judgement: NDArray[np.int64], i: int) -> tuple[float, int, int]:
    """Return what is around one alert, looking at every other."""
    span = np.floor(dataset.block.time / NEAR_SECONDS)
    near = (np.abs(span - span[i]) <= 1) & (dataset.tenant == dataset.tenant[i]) & (judgement != judgement[i])
    one = np.where(judgement < 0, -1 - np.arange(len(dataset)), judgement)
    loudest, attacks, benigns = [-np.inf], [0], [0]
    for key in ("entity", "user", "address"):
        values = dataset.block.columns[:, COLUMNS.index(key)]
        others = near & (values == values[i]) & (values[i] != 0)
        loudest.append(raw[others & ~np.isnan(raw)].max(initial=-np.inf))
        attacks.append(len(set(one[others & (dataset.target == 1)].tolist())))
        benigns.append(len(set(one[others & (dataset.target == 0)].tolist())))
    return max(loudest), max(attacks), max(benigns)


@pytest.mark.parametrize("seed", range(4))
def test_as_when_every_pair_is_looked_at(tmp_path: Path, seed: int) -> None:
    dataset, raw = _dataset(tmp_path, seed)
    judgement = judgements(dataset)
    found = Surroundings.of(dataset, raw, judgement)
    seen = 0
    for i in range(len(dataset)):
        if judgement[i] >= 0:
            loudest, attacks, benigns = _by_pairs(dataset, raw, judgement, i)
            assert np.nan_to_num(found.loudest[i], nan=-np.inf) == loudest
            assert (found.attacks[i], found.benigns[i]) == (attacks, benigns)
            seen += attacks + benigns > 0
        else:
            assert np.isnan(found.loudest[i])
            assert found.attacks[i] == found.benigns[i] == 0.0
    assert seen > 20


def test_what_one_person_said_alike_at_one_moment_is_one_judgement(tmp_path: Path) -> None:
    alerts = [build_alert(i, at=float(i)) for i in range(6)]
    said = [(ATTACK, "ann"), (ATTACK, "ann"), (BENIGN, "ann"), (ATTACK, "bob"), (ATTACK, "ann")]
    labels = [build_label(a, v, uid=f"l{i}", analyst=who) for i, (a, (v, who)) in enumerate(zip(alerts, said, strict=False))]
    moment = labels[-1].time
    labels = [msgspec.structs.replace(label, time=moment) for label in labels]
    labels[4] = msgspec.structs.replace(labels[4], provenance=Provenance.IMPORT)
    found = judgements(dataset_of(tmp_path, alerts, labels))
    assert found[0] == found[1]
    assert len({int(x) for x in found[[0, 2, 3]]}) == 3
    assert found[4:].tolist() == [-1, -1]
