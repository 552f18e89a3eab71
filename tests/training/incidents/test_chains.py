"""Measuring chains: the measure is right, and tracing is as good as it must be on a small world."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from models.incidents.chain import Chain
from models.incidents.path import Edge, Evidence
from models.incidents.sightings import Node
from training.incidents.chains import Case, Truth, World, cases, f1, main, measure, read_world
from training.incidents.lines import lines
from training.simulator import simulate
from training.simulator.rows import START

A, B, C, D = (Node("host", name) for name in "abcd")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return read_world(simulate(3, 30, 3, tmp_path_factory.mktemp("chains") / "out"))


def _case(*found: tuple[Node, Node], entry: Node = A, confidence: float = 0.9) -> Case:
    """A case whose truth is a → b (named), b → c (seen), c → d (done)."""
    path = tuple(Edge(source=a, target=b, time=START, tactic="", rule="r", lines=(), evidence=Evidence.NAMED) for a, b in found)
    chain = Chain(incident="i", tenant="t", entry=entry, path=path, confidence=confidence)
    done = frozenset({(A, B), (B, C), (C, D)})
    return Case("web-shell", chain, Truth(A, done, done - {(C, D)}, frozenset({(A, B)})))


def test_f1_counts_what_is_false_and_what_is_missed_and_not_what_is_true_but_not_asked_for() -> None:
    assert f1([_case((A, B), (B, C), (C, D))], "done") == f1([_case((A, B), (B, C), (C, D))], "named") == 1.0
    assert f1([_case((A, B), (A, C))], "named") == pytest.approx(2 / 3)
    assert f1([_case((A, B), (A, C))], "done") == pytest.approx(2 / 5)
    assert f1([_case((A, B)), _case()], "seen") == pytest.approx(2 / 5), "over the edges of all paths"
    assert f1([_case((B, A))], "named") == 0.0, "an edge has a direction"


def test_entries_are_counted_apart_where_the_tracer_was_sure() -> None:
    found = measure([_case(), _case(entry=B, confidence=0.2), _case(entry=B, confidence=0.8)])
    assert (found.cases, found.entry, found.sure, found.unsure) == (3, pytest.approx(1 / 3), 0.5, 0.0)
    assert math.isnan(measure([_case()]).unsure)
    assert "3 attacks: entry right 0.333" in str(found)


def test_repeats_within_an_hour_are_a_line(world: World) -> None:
    own = [alert for alerts in world.attacks.values() for alert in alerts]
    made = lines(own)
    assert sum(line.alerts for line in made) == len(own)
    assert len(made) < len(own)
    assert all(line.first.hour == line.last.hour for line in made)
    assert lines(own[::-1]) == made


def test_entries_and_paths_are_found_on_a_small_world(world: World) -> None:
    found = measure(list(cases(world, 0, 0)))
    assert found.cases > 20
    assert found.entry >= 0.8
    assert found.seen >= 0.8


def test_everyday_alerts_beside_an_attack_make_it_harder(world: World) -> None:
    alone, among = (measure(list(cases(world, noise, 0))) for noise in (0, 10))
    assert among.seen < alone.seen
    assert [case.truth for case in cases(world, 0, 0)] == [case.truth for case in cases(world, 10, 0)]
    assert measure(list(cases(world, 10, 0))) == among


def test_a_run_prints_each_level_of_noise(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr("training.incidents.chains.DAYS", 10)
    main([1], noises=(0, 2))
    out = capsys.readouterr().out
    assert "up to 0 benign alerts beside: " in out
    assert "up to 2 benign alerts beside: " in out
    assert "  phishing-ransomware: " in out or "  password-spray: " in out
