"""Decisions, and the queue that people work."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from features.alert import main_entity
from service.auth import Authorised
from service.blinding import decision_for
from service.errors import InvalidError, NotFoundError
from service.host import Host
from service.incidents.answers import on_agenda
from service.keys import Key
from service.lessons import BECAUSE, choose
from service.reading import seen_decision, with_reasons
from service.store import database as db
from service.voices import has_looked

router = APIRouter()
_LESSONS = 20
_ENCODER = msgspec.json.Encoder()


@router.get("/v1/decisions/{uid:path}", summary="The current decision on an alert, with its reasons")
async def get_decision(request: Request, uid: str, key: Authorised) -> Response:
    """`uid` is the alert's."""
    host: Host = request.app.state.host
    decision = await asyncio.to_thread(seen_decision, host, key, uid)
    if decision is None:
        raise NotFoundError(f"no alert {uid}")
    return _json(decision)


@router.get("/v1/queue", summary="What waits for a person, most urgent first, or what to judge so that the model learns most")
async def get_queue(
    request: Request,
    key: Authorised,
    *,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: str = "",
    purpose: Literal["work", "label"] = "work",
    budget: Annotated[int | None, Query(ge=1, le=500)] = None,
) -> Response:
    """Alerts that were not suppressed and have no verdict in force, or too few that agree. `next` is the cursor of the following page, if there is one.

    With a `budget`, so many incidents to look at next instead, so that a short day sees every different thing worth seeing:
    open ones of the last days of which a suspicious alert has no verdict, each with its `rank` and `why`, what it adds.

    `purpose=label` gives at most `budget` (20) alerts, those whose verdicts teach most first, with `why` (contested, uncertain,
    novel, random) and `because`, a sentence. `contested_label` is there where two analysts are at odds: it is what a deciding
    verdict names in `supersedes`. An analyst sees neither score nor codes before giving a verdict: some of the alerts are
    drawn at random from those that would be suppressed, and nothing here tells which.
    """
    host: Host = request.app.state.host
    if purpose == "label":
        return _json(await asyncio.to_thread(_lessons, host, key, budget or _LESSONS))
    if budget is not None:
        chosen = await host.incidents.agenda(key.tenant, budget)
        return _json({"incidents": [on_agenda(one, record, key.role) for one, record in chosen]})
    return _json(await asyncio.to_thread(_page, host, key, limit, _position(cursor)))


def _page(host: Host, key: Key, limit: int, after: tuple[int, int] | None) -> dict[str, Any]:
    with host.database.engine.connect() as connection:
        places = db.open_queue(connection, key.tenant, limit, after)
        seqs = [seq for _, seq in places]
        looked = has_looked(connection, seqs, key.analyst)
        items = _items(host, key, connection, [seq for seq in seqs if seq not in looked], db.contests(connection, key.tenant))
    return {"alerts": items, "next": "{}.{}".format(*places[-1]) if len(places) == limit else None}


def _lessons(host: Host, key: Key, budget: int) -> dict[str, Any]:
    with host.database.engine.connect() as connection:
        at_odds = db.contests(connection, key.tenant)
        chosen = choose(connection, key.tenant, budget, at_odds)
        looked = has_looked(connection, [seq for seq, _ in chosen], key.analyst)
        chosen = [(seq, why) for seq, why in chosen if seq not in looked]
        items = _items(host, key, connection, [seq for seq, _ in chosen], at_odds)
    asked = [{**item, "why": why, "because": BECAUSE[why]} for item, (_, why) in zip(items, chosen, strict=True)]
    return {"alerts": asked, "next": None}


def _items(host: Host, key: Key, connection: Connection, seqs: list[int], at_odds: Mapping[int, str]) -> list[dict[str, Any]]:
    stored = db.find_seqs(connection, seqs)
    items = [_item(host, key, stored[seq]) for seq in seqs]
    return [{**item, "contested_label": at_odds[seq]} if seq in at_odds else item for seq, item in zip(seqs, items, strict=True)]


def _item(host: Host, key: Key, stored: db.Stored) -> dict[str, Any]:
    alert, entity = stored.alert, main_entity(stored.alert)
    return {
        "alert_uid": alert.uid,
        "time": alert.time,
        "product": alert.product,
        "rule": alert.rule,
        "severity": alert.severity,
        "entity": {"kind": entity.kind, "uid": entity.uid},
        "decision": decision_for(key.role, with_reasons(host, stored), judged=False),
    }


def _position(cursor: str) -> tuple[int, int] | None:
    if not cursor:
        return None
    priority, _, seq = cursor.partition(".")
    if not (priority.isdecimal() and seq.isdecimal() and len(priority) <= 3 and len(seq) <= 18):
        raise InvalidError("cursor is not one that this service gave")
    return int(priority), int(seq)


def _json(body: object) -> Response:
    return Response(_ENCODER.encode(body), media_type="application/json")
