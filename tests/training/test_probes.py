"""The probes: one voice alone does not hide what is suspected, and a model that obeys it is found."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from features.alert import Alert, Entity, EntityKind, Role
from features.default_view import DEFAULT_VIEW
from features.encode import FactKind
from features.label import Label, Provenance
from models.bundle import ModelBundle
from models.ledger import LabelLedger, LeftOut, label_key
from tests.conftest import START, build_alert, build_label
from tests.features.blocks import random_block, same_bits, state_of
from tests.training.datasets import ATTACK, BENIGN, bundle_that, dataset_of
from training.dataset import Dataset
from training.fit import TrainingRows
from training.probes import ALONE, SECONDED, SUSPECTED, Recent, lone_voices, recent, sinking, without
from training.trust import blind_trust

WINDOW = (START.isoformat(), START.replace(month=4).isoformat())
LATER = 40 * 86_400.0
"""Seconds after ``START`` that lie behind the window."""
SUSPECT = 0.5


def alert(number: int, *, rule: str = "", host: str = "", user: str = "", address: str = "", at: float = 0.0) -> Alert:
    """Return an alert that shares nothing with any other but what is told."""
    entities = (
        Entity(EntityKind.HOST, host or f"h{number}", Role.DEVICE),
        Entity(EntityKind.USER, user or f"u{number}", Role.ACTOR),
        Entity(EntityKind.ADDRESS, address or f"10.{number // 250}.0.{number % 250}", Role.ACTOR),
    )
    return build_alert(number, at=at or number * 400.0, rule=rule or f"r{number}", entities=entities)


def benign(alerts: Sequence[Alert], who: str = "mallory") -> list[Label]:
    return [build_label(item, BENIGN, uid=f"{who}-{item.uid}", analyst=who) for item in alerts]


def heard(folder: Path, alerts: Sequence[Alert], labels: Sequence[Label], belief: float = SUSPECT) -> list[str]:
    """Return what the probe says when the champion thinks ``belief`` of every alert and knows none of the verdicts."""
    dataset = dataset_of(folder, alerts, labels)
    fresh = Recent(dataset.target == 0, dataset.target == 1, set())
    return lone_voices(dataset, np.full(len(dataset), belief), fresh)


SAME_RULE = [alert(i, rule="r") for i in range(40)]
LOUD = SAME_RULE[:ALONE]


@pytest.mark.parametrize(
    ("kind", "name"), [("rule", "Rule x"), ("host", "of alert a0"), ("user", "of alert a0"), ("address", "of alert a0")]
)
def test_one_voice_around_one_token_is_named_with_it(tmp_path: Path, kind: str, name: str) -> None:
    some = [alert(i, **{kind: "10.9.9.9" if kind == "address" else "x"}) for i in range(ALONE)]  # type: ignore[arg-type]
    (found,) = heard(tmp_path, some, benign(some))
    assert found.startswith(f"{ALONE} times acme / mallory calls benign, and nobody agrees, what the champion suspects")
    assert f"around the {'entity' if kind == 'host' else kind} {name}:" in found


def test_fewer_prove_nothing_against_anybody(tmp_path: Path) -> None:
    assert heard(tmp_path, LOUD[1:], benign(LOUD[1:])) == []


def test_repeats_of_one_act_count_once(tmp_path: Path) -> None:
    some = [*LOUD[1:], *(alert(100 + i, rule="r", host="h1", at=400.0 + i) for i in range(30))]
    assert heard(tmp_path, some, benign(some)) == []


@pytest.mark.parametrize("belief", [SUSPECTED - 0.01, 0.0, float("nan")])
def test_what_the_champion_does_not_suspect_needs_no_second_voice(tmp_path: Path, belief: float) -> None:
    assert heard(tmp_path, LOUD, benign(LOUD), belief) == []


def test_from_the_limit_on_it_does(tmp_path: Path) -> None:
    assert len(heard(tmp_path, LOUD, benign(LOUD), SUSPECTED)) == 1


def test_it_is_heard_no_more_when_others_say_so_of_enough_of_it(tmp_path: Path) -> None:
    needed = int(np.ceil(SECONDED * ALONE))
    for others, fires in ((needed - 1, 1), (needed, 0)):
        more = SAME_RULE[ALONE : ALONE + others]
        labels = [*benign(LOUD), *(label for i, item in enumerate(more) for label in benign([item], f"p{i}"))]
        assert len(heard(tmp_path, [*LOUD, *more], labels)) == fires


def test_others_who_speak_of_other_tokens_second_nothing(tmp_path: Path) -> None:
    more = [alert(i, rule="another") for i in range(100, 120)]
    found = heard(tmp_path, [*LOUD, *more], [*benign(LOUD), *benign(more[::2], "ann"), *benign(more[1::2], "bob")])
    assert len(found) == 1
    assert "mallory" in found[0]


def second_look(label: Label, **fields: object) -> Label:
    told = {"uid": f"second-{label.uid}", "analyst": "lead", "supersedes": label.uid, **fields}
    return msgspec.structs.replace(label, received_time=label.received_time.replace(month=6), **told)


def test_a_second_look_that_agrees_seconds_it(tmp_path: Path) -> None:
    first = benign(LOUD)
    assert heard(tmp_path / "one", LOUD, [*first, second_look(first[0])]) == []
    assert len(heard(tmp_path / "own", LOUD, [*first, second_look(first[0], analyst="mallory")])) == 1


def test_one_alert_of_a_group_that_is_agreed_on_settles_the_group(tmp_path: Path) -> None:
    some = [*LOUD, *(msgspec.structs.replace(item, uid=f"{item.uid}-again") for item in LOUD)]
    first = benign(some)
    assert len(heard(tmp_path / "open", some, first)) == 1
    seconds = [second_look(label) for label in first[: len(LOUD)]]
    assert heard(tmp_path / "settled", some, [*first, *seconds]) == []


# -- what is recent ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def heedless(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A champion that goes by severity."""
    severity = DEFAULT_VIEW.index("severity")
    return bundle_that(tmp_path_factory.mktemp("heedless") / "b", lambda rows: rows[:, severity] > 3.5, WINDOW)


@pytest.fixture(scope="module")
def obedient(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A challenger that goes by what verdicts say of the rule on the entity."""
    told = DEFAULT_VIEW.index("entity_rule_benign_30d")
    return bundle_that(tmp_path_factory.mktemp("obedient") / "b", lambda rows: rows[:, told] < 3.0, WINDOW)


def test_recent_is_what_the_champion_has_not_been_told(tmp_path: Path, heedless: ModelBundle) -> None:
    alerts = SAME_RULE[:4]
    labels = [build_label(item, ATTACK if i == 3 else BENIGN, uid=f"l{i}") for i, item in enumerate(alerts)]
    ledger = LabelLedger({label_key("acme", "l0"): 1.0}, {label_key("acme", "l1"): LeftOut.REPEAT})
    champion = dataclasses.replace(heedless, ledger=ledger)
    found = recent(dataset_of(tmp_path, alerts, labels), champion)
    assert found.benign.tolist() == [False, False, True, False]
    assert found.attack.tolist() == [False, False, False, True]
    assert found.labels == {("acme", "l2"), ("acme", "l3")}


def test_what_was_said_twice_is_as_new_as_what_was_said_once(tmp_path: Path, heedless: ModelBundle) -> None:
    """Whoever gives each lie a second time must not have the champion's counters learn the first."""
    first = benign(SAME_RULE[:3])
    dataset = dataset_of(tmp_path, SAME_RULE[:3], [*first, *(second_look(label, analyst="mallory") for label in first)])
    assert len(recent(dataset, heedless).labels) == 6
    assert without(dataset, recent(dataset, heedless)) == []


def test_imports_are_recent_by_the_time_of_their_alert(tmp_path: Path, heedless: ModelBundle) -> None:
    alerts = [alert(0), alert(1, at=LATER)]
    labels = [build_label(item, BENIGN, provenance=Provenance.IMPORT) for item in alerts]
    assert recent(dataset_of(tmp_path, alerts, labels), heedless).benign.tolist() == [False, True]


# -- what sinks ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> TrainingRows:
    """Attacks of one rule on many hosts, other noise; then one analyst calls that rule benign on one host, day after day."""
    attacks = [msgspec.structs.replace(alert(i, rule="r"), severity=5) for i in range(30)]
    noise = [msgspec.structs.replace(alert(100 + i), severity=1) for i in range(60)]
    quiet = [
        msgspec.structs.replace(alert(200 + i, rule="r", host="backdoor", at=LATER + 3600.0 * i), severity=1) for i in range(20)
    ]
    labels = [build_label(item, ATTACK, uid=f"k{i}", analyst="ann") for i, item in enumerate(attacks)]
    labels += [build_label(item, BENIGN, uid=f"n{i}", analyst="bob") for i, item in enumerate(noise)]
    folder = tmp_path_factory.mktemp("poisoned")
    return TrainingRows.gather(dataset_of(folder, [*attacks, *noise, *quiet], [*labels, *benign(quiet)]))


def knows_all_but(dataset: Dataset, who: str, champion: ModelBundle) -> ModelBundle:
    return dataclasses.replace(
        champion, ledger=LabelLedger({label_key(x.tenant, x.uid): 1.0 for _, x in dataset.labels if x.analyst != who})
    )


def sunk(rows: TrainingRows, challenger: ModelBundle, champion: ModelBundle, who: str = "mallory") -> list[str]:
    known = knows_all_but(rows.dataset, who, champion)
    return sinking(rows, blind_trust(rows.dataset), challenger, known, recent(rows.dataset, known))


def test_a_challenger_that_obeys_the_verdicts_is_found_and_the_token_named(
    poisoned: TrainingRows, obedient: ModelBundle, heedless: ModelBundle
) -> None:
    (found,) = sunk(poisoned, obedient, heedless)
    assert found == "100% of known attacks would sink if they carried the entity of alert a200, with the champion 0%"


def test_equal_models_that_do_not_obey_are_fine(poisoned: TrainingRows, heedless: ModelBundle) -> None:
    assert sunk(poisoned, heedless, heedless) == []


def test_the_champion_is_asked_as_before_these_verdicts(poisoned: TrainingRows, obedient: ModelBundle) -> None:
    """It may obey just as much: what makes attacks sink is new all the same."""
    assert len(sunk(poisoned, obedient, obedient)) == 1


def test_without_recent_verdicts_or_known_attacks_nothing_is_probed(
    poisoned: TrainingRows, obedient: ModelBundle, heedless: ModelBundle
) -> None:
    assert sunk(poisoned, obedient, heedless, who="nobody") == []
    assert sunk(poisoned, obedient, heedless, who="ann") == []


def test_probing_twice_says_the_same(poisoned: TrainingRows, obedient: ModelBundle, heedless: ModelBundle) -> None:
    assert sunk(poisoned, obedient, heedless) == sunk(poisoned, obedient, heedless)


def test_probes_leave_the_counters_as_they_are() -> None:
    block = random_block(3, 400)
    before, after = block.take(slice(0, 200)), block.take(slice(200, 400))
    probe = block.take(slice(0, 200))
    probe.time += 90 * 86_400.0
    probe.kind[:] = FactKind.PROBE
    plain, probed = state_of(), state_of()
    for state in (plain, probed):
        DEFAULT_VIEW.read(state, before)
    told = DEFAULT_VIEW.read(probed, probe)
    assert np.isfinite(told).any()
    assert same_bits(DEFAULT_VIEW.read(plain, after), DEFAULT_VIEW.read(probed, after))
