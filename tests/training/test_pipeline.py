"""The whole of training on a small simulated world: data set, walk, folds, bundle, MLflow, batch scoring."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.alert import EntityKind
from features.default_view import DEFAULT_VIEW, JUDGED_FEATURES
from features.encode import VALUES, FactEncoder
from features.errors import HistoryError
from features.event import Event, user
from features.event_table import write_events
from features.hashing import load_or_create_secret
from features.history import SCHEMAS, HistoryWriter, read_alerts, read_labels
from features.reading import read_chunks
from models.bundle import ModelBundle
from models.certificates.certificate import EVERY, Status
from models.certificates.objective import parse_objectives
from models.engine import ScoringEngine
from models.errors import NotEnoughLabelsError, ObjectiveError
from models.ledger import LeftOut, label_key
from models.rule_encoder import RuleEncoder
from tests.training.datasets import SECRET, SMALL
from training.assemble import assemble
from training.behaviour.entities import judged_entities, learned_entities
from training.behaviour.fitting import Source
from training.dataset import UNLABELLED, Dataset, load_dataset
from training.errors import DataError
from training.evaluate import IDENTITY, LOOK_UP, NO_ENTITIES, NO_IDENTITY, evaluate
from training.evaluation_report import tables, write
from training.fit import TrainingRows, blinded
from training.pipeline import TrainResult, train
from training.sample import rule_counts, thinned, training_weights
from training.scoring import score_file
from training.settings import Settings
from training.simulator import simulate
from training.split import folds, leave_one_tenant_out, time_ordered
from training.tracking import connect, resolve
from training.walk import walk


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    simulate(3, 7, 5, folder / "simulated")
    return folder / "simulated" / "history"


@pytest.fixture(scope="module")
def dataset(world: Path) -> Dataset:
    return load_dataset(world, "history", SECRET, labels=True)


@pytest.fixture(scope="module")
def trained(world: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainResult, Settings, Path]:
    home = tmp_path_factory.mktemp("home")
    settings = Settings(var=home / "var")
    result = train(settings, world, "history", parameters=SMALL, out=home / "bundle")
    return result, settings, home / "bundle"


def test_unlabelled_alerts_are_never_negatives(dataset: Dataset) -> None:
    labelled = {(label.tenant, label.alert_uid) for _, label in dataset.labels if label.verdict.target >= 0}
    has_target = dataset.target != UNLABELLED
    assert 0 < has_target.sum() < len(dataset)
    for i in np.flatnonzero(has_target)[:500]:
        assert (dataset.tenants[dataset.tenant[i]], dataset.uids[i]) in labelled
    assert not thinned(dataset, 0)[~has_target].any()


def test_labels_can_be_left_unread(world: Path) -> None:
    blind = load_dataset(world, "history", SECRET, labels=False)
    assert (blind.target == UNLABELLED).all()
    assert not blind.labels


def test_a_tenant_left_out_is_whole_on_one_side(dataset: Dataset) -> None:
    for fold in leave_one_tenant_out(dataset):
        assert not set(dataset.tenant[fold.train]) & set(dataset.tenant[fold.test])
        assert (dataset.target[fold.train] != UNLABELLED).all()


def test_tenants_left_out_together_are_tested_once_and_together(dataset: Dataset) -> None:
    (fold, *others) = leave_one_tenant_out(dataset, 2)
    assert set(dataset.tenant[fold.test]) == {0, 1}
    assert set(dataset.tenant[fold.train]).isdisjoint({0, 1})
    assert (np.sum([one.test for one in (fold, *others)], axis=0) <= 1).all()


def test_time_folds_train_on_what_was_labelled_before_and_keep_incidents_whole(dataset: Dataset) -> None:
    given = dataset.label_times()
    found = time_ordered(dataset)
    assert found
    for fold in found:
        start = dataset.block.time[fold.test & (dataset.incident < 0)].min()
        assert dataset.block.time[fold.train].max() < start
        assert given[fold.train].max() < start
        assert not set(dataset.incident[fold.train & (dataset.incident >= 0)]) & set(dataset.incident[fold.test])


def test_one_tenant_alone_is_split_by_time_and_its_bound_is_its_own(dataset: Dataset) -> None:
    alone = dataset.without(dataset.tenant != 0)
    _, assumption = folds(alone)
    assert assumption == "own"
    assert folds(dataset)[1] == "transferred"


def test_no_label_moves_a_feature_before_its_own_time(dataset: Dataset) -> None:
    """Change every verdict given after a moment: what was walked before that moment stays, bit for bit."""
    moment = float(np.median([label.received_time.timestamp() for _, label in dataset.labels]))
    before = [item for item in dataset.labels if item[1].received_time.timestamp() <= moment]
    kept, changed = ({}, {})
    for found, labels in ((kept, dataset.labels), (changed, before)):
        for walked in walk(dataset, dataset.timeline(labels), DEFAULT_VIEW, RuleEncoder(0.5, {})):
            found |= dict(zip(walked.alert.tolist(), walked.features, strict=True))
    early = np.flatnonzero(dataset.received <= moment)
    late = np.flatnonzero(dataset.received > moment)
    assert all(np.array_equal(kept[i], changed[i], equal_nan=True) for i in early.tolist())
    assert any(not np.array_equal(kept[i], changed[i], equal_nan=True) for i in late.tolist())


def test_blinded_rows_look_like_those_of_a_tenant_without_verdicts(dataset: Dataset) -> None:
    rows = TrainingRows.gather(dataset)
    columns = [DEFAULT_VIEW.index(name) for name in JUDGED_FEATURES]
    assert np.nansum(rows.features[:, columns]) > 0.0
    assert np.nansum(blinded(DEFAULT_VIEW, rows.features)[:, columns]) == 0.0


def test_a_fitted_encoder_never_speaks_of_a_tenant_by_its_own_labels(dataset: Dataset) -> None:
    everything = dataset.target != UNLABELLED
    encoder = RuleEncoder.fit(rule_counts(dataset, everything))
    for number, tenant in enumerate(dataset.tenants):
        without = RuleEncoder.fit(rule_counts(dataset, everything & (dataset.tenant != number)))
        for rule in dataset.rules:
            assert encoder.values(rule, tenant)[1] == without.values(rule, tenant)[1]


def test_long_incidents_do_not_drown_short_ones(dataset: Dataset) -> None:
    rows = np.flatnonzero(thinned(dataset, 0))
    weight = training_weights(dataset, rows)
    assert (weight > 0.0).all()
    assert weight[dataset.target[rows] == 1].sum() == pytest.approx((dataset.target[rows] == 1).sum())


def test_too_few_incidents_train_all_the_same_but_suppress_nothing(trained: tuple[TrainResult, Settings, Path]) -> None:
    result, _, out = trained
    assert result.certificate.status is Status.REFUSED
    assert result.certificate.missing > 0
    assert result.policy.suppress_below is None
    assert ModelBundle.load(out).digest == result.bundle_digest
    assert (result.gate.passed, result.gate.champion) == (True, "")
    assert result.gate.remarks == ["there is no champion yet"]


def test_mlflow_and_the_card_say_what_is_proven(trained: tuple[TrainResult, Settings, Path]) -> None:
    result, settings, out = trained
    tags, card = resolve(connect(settings), result.version), (out / "MODEL_CARD.md").read_text("utf-8")
    run_tags = connect(settings).get_run(tags.run_id).data.tags
    for one in result.policy.certificates:
        if one.group != EVERY:
            continue
        aim = f"{one.aim}/{one.tier}" if one.tier else str(one.aim)
        said = {
            name: run_tags[f"certificate/{aim}/{name}"] for name in ("uid", "status", "threshold", "bound", "n", "k", "missing")
        }
        threshold = "none" if one.threshold is None else str(one.threshold)
        assert said == {
            "uid": one.uid, "status": "refused", "threshold": threshold, "bound": str(one.bound), "n": str(one.n), "k": str(one.k),
            "missing": str(one.missing),
        }  # fmt: skip
        assert f"- `{one.uid}` {one.tier or one.aim} (refused, {one.assumption}): refused for all alerts" in card
    assert f"assumption `{result.certificate.assumption}`" in card
    assert result.certificate.window[0] in card


def test_training_twice_gives_the_same_bundle(trained: tuple[TrainResult, Settings, Path], world: Path, tmp_path: Path) -> None:
    """Under another secret too: a bundle knows no hash."""
    _, _, out = trained
    again = load_dataset(world, "history", bytes(32), labels=True)
    assemble(again, parse_objectives(()), SMALL, tmp_path / "again")
    for name in ("classifier.txt", "calibrator.json", "encoder.json", "policy.json", "units.json", "golden.json", "labels.json"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes()


def test_without_somebodys_labels_is_as_if_they_had_never_been(
    trained: tuple[TrainResult, Settings, Path], world: Path, dataset: Dataset, tmp_path: Path
) -> None:
    result, settings, out = trained
    with HistoryWriter(tmp_path / "deleted") as writer:
        for part in read_alerts(world):
            writer.alerts([alert for _, alert in part], [seq for seq, _ in part])
        kept = [(seq, label) for seq, label in read_labels(world) if label.analyst != "analyst-6"]
        writer.labels([label for _, label in kept], [seq for seq, _ in kept])
        writer.context(world / "context")
    without = train(settings, world, "history", parameters=SMALL, out=tmp_path / "a", without_labels_of=["analyst-6"])
    train(settings, tmp_path / "deleted", "history", parameters=SMALL, out=tmp_path / "b")
    for name in ("classifier.txt", "calibrator.json", "encoder.json", "policy.json", "units.json", "golden.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / "classifier.txt").read_bytes() != (out / "classifier.txt").read_bytes()
    assert without.bundle_digest != result.bundle_digest
    told, deleted = (ModelBundle.load(tmp_path / name).ledger for name in "ab")
    theirs = {label_key(label.tenant, label.uid) for _, label in dataset.labels if label.analyst == "analyst-6"}
    assert told.used == deleted.used
    assert {key for key, why in told.left_out.items() if why is LeftOut.EXCLUDED} == theirs
    assert {key: why for key, why in told.left_out.items() if key not in theirs} == deleted.left_out


def test_the_ledger_of_a_bundle_names_every_label_of_people_once(
    trained: tuple[TrainResult, Settings, Path], dataset: Dataset
) -> None:
    ledger = ModelBundle.load(trained[2]).ledger
    assert len(ledger.used) + len(ledger.left_out) == len(dataset.labels)
    assert ledger.used.keys() | ledger.left_out.keys() == {label_key(x.tenant, x.uid) for _, x in dataset.labels}
    assert np.mean(list(ledger.used.values())) == pytest.approx(1.0, abs=1e-5)


def test_batch_scoring_is_the_engine_of_the_service(
    trained: tuple[TrainResult, Settings, Path], world: Path, tmp_path: Path
) -> None:
    _, settings, out = trained
    secret = load_or_create_secret(settings.secret)
    bundle = ModelBundle.load(out)
    scored, rejected = score_file(bundle, world, "history", tmp_path / "s.parquet", secret, history=None, told=lambda text: None)
    rows = pq.read_table(tmp_path / "s.parquet").to_pylist()
    assert (scored, rejected) == (len(rows), 0)
    assert [row["source_row"] for row in rows] == list(range(len(rows)))
    dataset = load_dataset(world, "history", secret, labels=False)
    engine = ScoringEngine(bundle, dataset.encoder)
    order = np.lexsort((np.arange(len(dataset)), dataset.seq, dataset.received))
    for i in order[:300]:
        one = engine.score(dataset.block.take(np.array([i])))
        assert rows[i]["score"] == one.score[0]
        assert rows[i]["action"] == one.actions[0].value


def test_a_history_folded_in_first_changes_the_scores(
    trained: tuple[TrainResult, Settings, Path], world: Path, tmp_path: Path
) -> None:
    _, settings, out = trained
    secret, bundle = load_or_create_secret(settings.secret), ModelBundle.load(out)
    for name, history in (("empty", None), ("warm", world)):
        score_file(bundle, world, "history", tmp_path / name, secret, history=history, told=lambda text: None)
    cold, warm = (pq.read_table(tmp_path / name)["anomaly_score"].to_numpy() for name in ("empty", "warm"))
    assert warm.mean() < cold.mean()


def test_evaluation_prints_all_scorers_and_writes_a_page(dataset: Dataset, tmp_path: Path) -> None:
    result = evaluate(dataset, SMALL, unseen=False)
    assert list(result.quality) == [LOOK_UP, IDENTITY, NO_IDENTITY]
    assert all(0.0 <= quality.group_ap <= 1.0 for quality in result.quality.values())
    page = write(tmp_path, result)
    assert page.read_text("utf-8").count("<svg") == 3
    assert len(tables(result)) >= 4


@pytest.fixture(scope="module")
def events(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Source:
    """Two months of what each third user of alerts did, until a week after the first alert; on one day some did as another does."""
    alerts = [alert for part in read_alerts(world) for _, alert in part]
    start = min(alert.time for alert in alerts).replace(hour=12) - timedelta(days=50)
    people = sorted({(alert.tenant, name) for alert in alerts if (name := alert.first(EntityKind.USER))})[::3]
    made = [
        Event(
            uid=f"{tenant}/{n}/{day}", tenant=tenant, time=start + timedelta(days=day), actor=user(name),
            action=f"act-{n % 2 if day == 49 and n % 3 == 0 else n % 7}",
        )
        for day in range(57)
        for n, (tenant, name) in enumerate(people)
    ]  # fmt: skip
    path = tmp_path_factory.mktemp("events") / "events.parquet"
    write_events(path, made)
    return Source(path, "events")


def test_behaviour_goes_into_the_bundle_and_alerts_know_it_as_of_then(world: Path, events: Source, tmp_path: Path) -> None:
    settings = Settings(var=tmp_path / "var")
    result = train(settings, world, "history", parameters=SMALL, out=tmp_path / "bundle", events=events)
    bundle = ModelBundle.load(tmp_path / "bundle")
    assert result.behaviour is not None
    assert bundle.behaviour is not None
    assert bundle.behaviour.to_files() == result.behaviour.model.to_files()
    assert "- Behaviour: events" in (tmp_path / "bundle" / "MODEL_CARD.md").read_text()
    client = connect(settings)
    logged = client.get_run(resolve(client, result.version).run_id).data.metrics
    assert logged["behaviour/days"] == result.behaviour.metrics["days"]
    known = judged_entities(events, tmp_path / "bundle")
    dataset = load_dataset(world, "history", SECRET, labels=True, anomalies=known)
    column = DEFAULT_VIEW.index("user_anomaly")
    walked = np.concatenate([w.features[:, column] for w in walk(dataset, dataset.timeline([]), DEFAULT_VIEW, bundle.encoder)])
    assert np.nanmax(walked) > 1.0
    assert np.nanmin(walked) == 0.0
    assert np.isnan(blinded(DEFAULT_VIEW, np.zeros((1, len(DEFAULT_VIEW.features))))[0, column])
    told = []
    for anomalies in (None, known):
        out, secret = tmp_path / "scores.parquet", load_or_create_secret(settings.secret)
        score_file(bundle, world, "history", out, secret, history=None, told=lambda text: None, anomalies=anomalies)
        told.append(pq.read_table(out)["score"].to_numpy())
    of_nobody = np.isnan(dataset.block.values[:, VALUES.index("user_anomaly")])
    assert of_nobody.any()
    assert told[0][of_nobody].tolist() == told[1][of_nobody].tolist()


def test_evaluation_is_with_and_without_entities(world: Path, events: Source) -> None:
    known = learned_entities(events)[1]
    result = evaluate(load_dataset(world, "history", SECRET, labels=True, anomalies=known), SMALL, unseen=False)
    assert list(result.quality) == [LOOK_UP, IDENTITY, NO_IDENTITY, NO_ENTITIES]


def test_labels_without_provenance_are_refused(world: Path, tmp_path: Path) -> None:
    with HistoryWriter(tmp_path / "history") as writer:
        for part in read_alerts(world):
            writer.alerts([alert for _, alert in part], [seq for seq, _ in part])
        rows = [{**msgspec.structs.asdict(label), "seq": seq, "provenance": None} for seq, label in read_labels(world)]
        writer.table("labels", pa.Table.from_pylist(rows, schema=SCHEMAS["labels"]))
    with pytest.raises(HistoryError, match="provenance"):
        load_dataset(tmp_path / "history", "history", SECRET, labels=True)


def test_objectives_that_contradict_leave_what_serves_alone(trained: tuple[TrainResult, Settings, Path], world: Path) -> None:
    """Refused by name before anything is read; no version is registered, the challenger stays."""
    _, settings, _ = trained
    twice = [f"maximum suppression @ missed_incidents <= {alpha}, confidence 0.95" for alpha in (0.01, 0.1)]
    smaller = ["maximum major response @ precision >= 0.9, confidence 0.95"]
    before = resolve(connect(settings), "challenger").version
    for objectives, words in (
        (twice, "contradicts"),
        (smaller, "larger blast radius"),
        (["maximum @ all"], "expected a sentence"),
    ):
        with pytest.raises(ObjectiveError, match=words):
            train(settings, world, "history", objectives=objectives)
    assert resolve(connect(settings), "challenger").version == before


def test_bad_input_is_refused_with_the_reason(trained: tuple[TrainResult, Settings, Path], world: Path, tmp_path: Path) -> None:
    _, settings, _ = trained
    with pytest.raises(ObjectiveError, match="expected a sentence"):
        train(settings, world, "history", objectives=["suppress a lot"])
    lines = b"\n".join(
        b'{"timestamp":"2026-01-01T00:00:%02d.000+0000","rule":{"id":"1","level":3},"id":"%d"}' % (i, i) for i in range(9)
    )
    (tmp_path / "a.json").write_bytes(lines)
    with pytest.raises(DataError, match="none of its alerts has a label"):
        train(settings, tmp_path / "a.json", "wazuh")
    rows = "\n".join(f"{1_642_213_952 + i},rule {i % 3},10.0.0.1,host,W-x,x,-" for i in range(40))
    (tmp_path / "n_alerts.csv").write_text(f"time,name,ip,host,short,time_label,event_label\n{rows}\n")
    with pytest.raises(NotEnoughLabelsError):
        train(settings, tmp_path, "ait-ads")


def test_rules_keep_their_meaning_between_processes(world: Path) -> None:
    """Facts are hashed under a secret: another secret gives other hashes and the same features."""
    features = []
    for secret in (SECRET, bytes(32)):
        encoder = FactEncoder(secret)
        block = encoder.alerts(next(read_chunks(world, "history", labels=False, size=500)).alerts)
        features.append(ScoringEngine(None, encoder).score(block).features)
    assert np.array_equal(features[0], features[1], equal_nan=True)
