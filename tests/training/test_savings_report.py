"""What would be saved, told: in one table, with its grounds, and as a page that opens anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from features.alert import Rule
from models.certificates.objective import Objective
from tests.conftest import build_alert, build_label
from tests.training.datasets import BENIGN, SMALL, apart, dataset_of
from tests.training.test_report import HOSTILE, Tags
from tests.training.test_savings import ASKED, labelled, story
from training.assess import weigh
from training.outlook import QUICK, outlook
from training.savings import Ordering, Savings, savings
from training.savings_report import savings_tables, summary, write
from training.survey import Survey, survey


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    return survey(dataset_of(tmp_path_factory.mktemp("told"), *story()))


@pytest.fixture(scope="module")
def saved(found: Survey) -> Savings:
    return savings(found, weigh(found.dataset, SMALL), ASKED)


def test_the_summary_has_each_way_with_its_grounds(found: Survey, saved: Savings) -> None:
    rows = [list(row) for row in summary(found, saved).rows]
    assert [row[0] for row in rows] == ["grouping", "suppression", "suppression", "ordering"]
    assert rows[0][1] == len(found.dataset) - found.opens.sum()
    assert "refused" in str(rows[1][4])
    assert rows[1][1] == 0
    assert rows[2][1] == saved.suppressions[1].suppressed.sum()
    assert f"at most {saved.suppressions[1].certificate.alpha:.0%} of incidents missed: proven by" in str(rows[2][4])
    assert "by score" in str(rows[3][4])


def test_incidents_that_rest_on_doubtful_verdicts_are_said(found: Survey, saved: Savings) -> None:
    assert saved.doubtful == 0  # imports are taken at their word
    assert "likely wrong" not in summary(found, saved).note
    assert f"7 of {saved.ordering.incidents} incidents rest on" in summary(found, saved._replace(doubtful=7)).note


def test_what_is_missing_is_said_in_place_of_numbers(found: Survey) -> None:
    tables = savings_tables(found, "missing: 3 more")
    assert len(tables) == 1
    assert [list(row) for row in tables[0].rows[1:]] == [
        ["suppression", "–", "–", "–", "missing: 3 more"], ["ordering", "–", "–", "–", "missing: 3 more"],
    ]  # fmt: skip


def test_the_tables_behind_name_every_objective_and_every_look(found: Survey, saved: Savings) -> None:
    _, suppressions, looks = savings_tables(found, saved)
    assert [row[1] for row in suppressions.rows] == ["refused", "granted"]
    assert "the other tenants" in suppressions.note
    assert [row[0] for row in looks.rows] == [str(one.looks) for one in saved.ordering.found]
    assert len(looks.columns) == len(looks.rows[0])


def test_attacks_that_could_not_be_scored_are_not_counted_as_unfound(found: Survey, saved: Savings) -> None:
    none = saved._replace(ordering=Ordering(0, 0, 0, []))
    assert "could be held out" in str(summary(found, none).rows[-1][4])


def test_a_single_tenant_is_scored_by_what_came_before(tmp_path: Path) -> None:
    one = survey(labelled(tmp_path, 60, 200))
    told = savings(
        one, weigh(one.dataset, SMALL), Objective.parse("maximum suppression @ missed_incidents <= 0.2, confidence 0.95")
    )
    assert told.scored < len(one.dataset)
    tables = savings_tables(one, told)
    assert "what came before" in tables[1].note
    assert f"{told.scored:,} of {len(one.dataset):,}" in tables[1].note


def test_the_page_has_everything_and_hostile_names_stay_text(tmp_path: Path) -> None:
    alerts = [msgspec.structs.replace(a, rule=Rule(HOSTILE, HOSTILE)) for a in apart(9)]
    labels = [build_label(a, BENIGN, uid=a.uid, analyst=HOSTILE) for a in alerts]
    one = survey(dataset_of(tmp_path, alerts, labels))
    page = write(tmp_path / "report", one, *outlook(one, ASKED, SMALL, None)).read_text("utf-8")
    seen = Tags(page)
    assert not {"script", "img", "iframe", "link", "object"} & {tag for tag, _ in seen.tags}
    assert sum(tag == "svg" for tag, _ in seen.tags) == 2
    for title in ("What there is", "What would be saved", "Alerts a day (UTC)", "False positives by rule", "Labels in force"):
        assert title in seen.text


def test_the_numbers_are_beside_the_page(found: Survey, saved: Savings, tmp_path: Path) -> None:
    write(tmp_path / "full", found, saved, None)
    facts = json.loads((tmp_path / "full" / "report.json").read_text("utf-8"))["facts"]
    assert facts["measures"]["alerts"] == len(found.dataset)
    assert facts["measures"]["acknowledge"]["median"] is None
    assert facts["savings"]["suppression"][1]["alerts"] == saved.suppressions[1].suppressed.sum()
    assert facts["savings"]["ordering"]["incidents"] == saved.ordering.incidents
    write(tmp_path / "quick", survey(dataset_of(tmp_path, [build_alert()])), *QUICK)
    assert json.loads((tmp_path / "quick" / "report.json").read_text("utf-8"))["facts"]["savings"] == QUICK.saved
