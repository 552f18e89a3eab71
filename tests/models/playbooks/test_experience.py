"""What worked before is counted of similar incidents, of the past alone, and smoothed."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from models.playbooks.experience import PastResponse, Worked, what_worked
from models.playbooks.incident_type import IncidentType
from tests.models.playbooks.documents import NOON


def response(kind: IncidentType, techniques: str, playbook: str, mitigated: bool, days: float = 1.0) -> PastResponse:
    return PastResponse(kind, tuple(techniques.split()), playbook, mitigated, NOON - timedelta(days=days))


def test_the_same_type_and_the_same_techniques_count_and_nothing_later_or_long_ago() -> None:
    past = [
        response(IncidentType.MALWARE, "", "a", True),
        response(IncidentType.MALWARE, "", "a", False),
        response(IncidentType.RANSOMWARE, "T1059 T1071", "a", True),
        response(IncidentType.RANSOMWARE, "T1059 T1071 T1003 T1021 T1490", "a", True),
        response(IncidentType.PHISHING, "", "a", True),
        response(IncidentType.MALWARE, "", "b", True, days=0.0),
        response(IncidentType.MALWARE, "", "b", True, days=181.0),
    ]
    assert what_worked(past, IncidentType.MALWARE, ("T1059", "T1071"), NOON) == {"a": Worked(3, 2)}


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_chance_is_the_mean_of_a_beta_and_nothing_tried_is_even(mitigated: int, failed: int) -> None:
    worked = Worked(mitigated + failed, mitigated)
    assert 0.0 < worked.chance < 1.0
    assert worked.chance <= Worked(worked.handled + 1, mitigated + 1).chance
    assert worked.chance >= Worked(worked.handled + 1, mitigated).chance
    assert Worked().chance == 0.5


def test_counts_are_said() -> None:
    assert str(Worked(8, 7)) == "Of 8 similar incidents handled with it, 7 were mitigated."
    assert str(Worked(1, 1)) == "Of 1 similar incident handled with it, 1 was mitigated."
    assert "No similar incident" in str(Worked())
