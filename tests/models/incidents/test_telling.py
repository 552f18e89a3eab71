"""Telling: a tree of links, each with its why, the same in every process."""

from __future__ import annotations

import random
import subprocess
import sys

from features.alert import Observable
from models.incidents.correlator import Correlator
from models.incidents.incident import Incident
from models.incidents.link_model import DEFAULT, FEATURES, LinkModel
from models.incidents.postings import HUB_LINES
from models.incidents.telling import tell
from tests.models.incidents.alerts_by_hand import TARGET, alert, fed, host, user


def _told(correlator: Correlator, uid: str) -> Incident:
    (number,) = (n for n, line in correlator.lines.kept.items() if uid in line.uids)
    return tell(correlator, correlator.grove(number), "i")


def test_each_line_but_the_first_has_a_link_with_its_why() -> None:
    chance = random.Random(2)
    correlator = Correlator(DEFAULT)
    for n in range(40):
        named = [host(f"h{n % 3}"), user(f"u{chance.randrange(3)}")]
        correlator.add(alert(f"a{n}", f"r{n % 4}", *named, minutes=chance.uniform(0.0, 300.0)), 0.8)
    correlator.settle()
    incident = _told(correlator, "a0")
    assert len(incident.lines) > 20
    assert len(incident.links) == len(incident.lines) - 1
    reached = {incident.lines[0].uid}
    for _ in incident.links:
        reached |= {uid for link in incident.links for uid in (link.earlier, link.later) if {link.earlier, link.later} & reached}
    assert reached == {line.uid for line in incident.lines}
    assert all(link.why and all(link.why) and 0.5 <= link.probability <= 1.0 for link in incident.links)
    assert [line.first for line in incident.lines] == sorted(line.first for line in incident.lines)


def test_the_why_says_what_is_shared_how_rare_and_what_follows() -> None:
    correlator = Correlator(DEFAULT)
    mail = alert(
        "a", "mail", host("ws1", TARGET), user("alice"), Observable("url", "http://e/\u202e"), tactics=("initial-access",)
    )
    fed(correlator, [(mail, 0.9), (alert("b", "exec", host("ws1"), user("alice"), minutes=9.0, tactics=("Execution",)), 0.9)])
    (link,) = _told(correlator, "a").links
    assert link.why == (
        "both name user alice, which 2 lines named in a week",
        "both name ws1, which 2 lines named in a week",
        "9 minutes apart",
        "leads on from initial-access to Execution",
    )


def test_the_why_shows_what_cannot_be_seen() -> None:
    correlator = Correlator(DEFAULT)
    fed(correlator, [(alert(f"a{n}", f"r{n}", Observable("file", "pay\u202efdp.exe"), minutes=6.0 * n), 0.9) for n in range(2)])
    (link,) = _told(correlator, "a0").links
    assert link.why[0] == "both name pay[U+202E]fdp.exe, which 2 lines named in a week"


def test_a_hub_is_not_named_and_many_things_are_counted() -> None:
    correlator = Correlator(DEFAULT)
    fed(correlator, [(alert(f"b{n}", f"r{n}", host("proxy"), minutes=-n * 30.0), 0.01) for n in range(HUB_LINES)])
    shared = [host("proxy"), *(Observable("url", f"http://e/{n}") for n in range(4))]
    fed(correlator, [(alert(f"a{n}", f"r{n}", *shared, minutes=6.0 * n), 0.9) for n in range(2)])
    (link,) = _told(correlator, "a0").links
    assert not any("proxy" in why for why in link.why)
    assert [why for why in link.why if why.startswith("and")] == ["and 1 more thing"]


def test_a_merge_and_a_bridge_say_so() -> None:
    correlator = Correlator(DEFAULT)
    fed(correlator, [(alert("a", "r", host("h1")), 0.9), (alert("b", "r", host("h2")), 0.9)])
    one, other = correlator.lines.kept
    correlator.merge(one, other)
    correlator.settle()
    (link,) = _told(correlator, "a").links
    assert (link.probability, link.why[0]) == (1.0, "joined by an analyst")
    fed(correlator, [(alert(f"c{n}", "s", host(f"h{n}"), user(f"u{n}"), minutes=600.0), 0.95) for n in (1, 2)])
    assert len(_told(correlator, "a").lines) == 4
    fed(correlator, [(alert("z", "r", host("z"), minutes=8 * 1440.0 + 300.0), 0.01)])
    correlator.forget()
    (link,) = _told(correlator, "c1").links
    assert link.why == ("both were linked with what is older than a week", "less than a minute apart")


def test_the_uid_of_a_line_is_the_same_in_another_process() -> None:
    code = (
        "from tests.models.incidents.alerts_by_hand import *; from models.incidents.correlator import Correlator;"
        "from models.incidents.link_model import DEFAULT;"
        "print(fed(Correlator(DEFAULT), [(alert('a', 'r', host('h'), user('u')), 0.5)])['a'])"
    )
    run = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert run == {fed(Correlator(DEFAULT), [(alert("a", "r", host("h"), user("u")), 0.5)])["a"]}


def test_a_bridge_says_so_however_little_is_said_of_its_ends() -> None:
    correlator = Correlator(LinkModel(-2.0, tuple(3.0 * (name == "node") for name in FEATURES)))
    fed(correlator, [(alert("a", "r", host("h1"), host("h2")), 0.9)])
    fed(correlator, [(alert(f"c{n}", "s", host(f"h{n}"), user("u"), minutes=600.0), 0.9) for n in (1, 2)])
    assert len(_told(correlator, "a").lines) == 3
    fed(correlator, [(alert("z", "r", host("z"), minutes=8 * 1440.0 + 300.0), 0.01)])
    correlator.forget()
    (link,) = _told(correlator, "c1").links
    assert link.why[:2] == ("both were linked with what is older than a week", "both name user u, which 2 lines named in a week")
