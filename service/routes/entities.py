"""Entities: the risk of users and hosts, why, and who may know who they are."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from features.alert import EntityKind, from_epoch
from features.label import Verdict
from models.behaviour.day import ordinal_of
from service.auth import Authorised
from service.behaviour import answers, ocsf, records
from service.behaviour.feed import CLOSED
from service.behaviour.names import NAMED, Shown
from service.behaviour.records import Entity, Unmasking
from service.behaviour.subject import stored_about, whom_named
from service.behaviour.words import Word, add_word
from service.body import json_body, read_body
from service.erasure import erase_entity
from service.errors import ConflictError, InvalidError, NotFoundError
from service.host import Host
from service.keys import Key
from service.store.timing import mark_of

router = APIRouter()
Form = TypeVar("Form")
_ENCODER = msgspec.json.Encoder()
_MOST_BYTES = 8192
_REASON: dict[str, Any] = {
    "type": "object", "required": ["reason"], "additionalProperties": False,
    "properties": {"reason": {"type": "string", "minLength": 1, "maxLength": 500}},
}  # fmt: skip
_BODY = json_body(_REASON)

_WORD: dict[str, Any] = {
    "type": "object", "required": ["day", "verdict"], "additionalProperties": False,
    "properties": {
        "day": {"type": "string", "format": "date"}, "reason": {"type": "string", "maxLength": 500},
        "verdict": {"enum": [one.value for one in Verdict if one is not Verdict.DUPLICATE]},
    },
}  # fmt: skip
_WORD_BODY = json_body(_WORD)


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"\S")]


class _Said(msgspec.Struct, forbid_unknown_fields=True):
    day: date
    verdict: Literal["true_positive", "benign_positive", "false_positive", "undetermined"]
    reason: Annotated[str, msgspec.Meta(max_length=500)] = ""


@router.get("/v1/entities", summary="Users and hosts, the highest risk first")
async def get_entities(
    request: Request,
    key: Authorised,
    *,
    sort: Literal["risk"] = "risk",
    kind: EntityKind | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """`risk` as of `as_of`, which is some minutes ago at most. `after` is the `next` of the page before. To those who need no names
    (analyst, scientist) `uid` is a pseudonym, which is always the same. `bounds`: what is proven of the controls that touch access."""
    host: Host = request.app.state.host
    position = _position(after)
    found = await _ask(host, lambda connection: records.listed(connection, key.tenant, kind, limit, position))
    items = [answers.summary(one, _shown(host, key, one)) for one in found]
    last = f"{found[-1].risk!r}:{found[-1].id}" if len(found) == limit else None
    bounds = answers.told_bounds(host.observer.bounds.get(key.tenant, {}))
    return _json({"entities": items, "sort": sort, "next": last, "bounds": bounds})


@router.get(
    "/v1/entities/{kind}/{uid:path}/records", summary="All that is stored about an entity, to be shown to whom it concerns"
)
async def get_records(request: Request, kind: EntityKind, uid: str, key: Authorised) -> Response:
    """Events, judgements, risks, controls, alerts with their decisions and verdicts, and who asked for the name, as one document."""
    host: Host = request.app.state.host

    def ask(connection: Connection) -> dict[str, Any]:
        entity = _find(host, connection, key, kind, uid)
        whom = entity.whom if entity is not None else whom_named(host.encoder.aliases, key.tenant, kind, uid)
        return stored_about(connection, whom, uid if entity is None else entity.name, host.observer.veil(key.tenant))

    return _json(await _ask(host, ask))


@router.post("/v1/entities/{kind}/{uid:path}/unmask", openapi_extra=_BODY, summary="The name behind a pseudonym; it is logged")
async def post_unmask(request: Request, kind: EntityKind, uid: str, key: Authorised) -> Response:
    """Say who it is, and all that is known of the entity by name. Who asked, when and why is kept, and shown with the entity."""
    host: Host = request.app.state.host
    given = await _given(request, _Asked)
    entity = await _ask(host, lambda connection: records.find_pseudonym(connection, key.tenant, kind, uid))
    if entity is None:
        raise NotFoundError("there is no such pseudonym")
    reason = Shown(entity, host.observer.veil(key.tenant)).text(given.reason)
    one = Unmasking(time.time(), entity.pseudonym, key.name or key.uid, key.role.value, reason)
    await host.write(partial(records.add_unmasking, tenant=key.tenant, one=one))
    told = await _ask(host, partial(_detail, host=host, entity=entity, shown=Shown(entity, None)))
    return _json({"kind": kind.value, "uid": entity.name, "pseudonym": entity.pseudonym, "entity": told})


@router.post(
    "/v1/entities/{kind}/{uid:path}/verdicts",
    openapi_extra=_WORD_BODY,
    summary="Say what a day of an entity was",
    status_code=201,
)
async def post_verdict(request: Request, kind: EntityKind, uid: str, key: Authorised) -> Response:
    """A day that was harmless (`false_positive`, `benign_positive`) weighs nothing any more, and is learned if it was held; one that was
    an attack (`true_positive`) weighs all that behaviour may, and is never learned. The latest word on a day stands; `undetermined`
    takes it back, but for what was learned by it. 409 as long as the day is not closed."""
    host: Host = request.app.state.host
    given = await _given(request, _Said)
    day, now = ordinal_of(given.day), host.observer.now()
    if given.day > datetime.fromtimestamp(now, UTC).date():
        raise InvalidError("day: lies in the future")

    def ask(connection: Connection) -> Entity:
        entity = _find(host, connection, key, kind, uid)
        if entity is None:
            raise NotFoundError("nothing is known of such an entity")
        found = records.anomaly_of(connection, entity.whom, day)
        if found is None and day < (mark_of(connection, CLOSED) or day + 1):
            raise InvalidError("day: nothing is known of what it did on that day")
        if found is None or found.judgement is None:
            raise ConflictError("the day is not closed: say it when it is judged")
        return entity

    entity = await _ask(host, ask)
    shown = Shown(entity, host.observer.veil(key.tenant))
    word = Word(entity.whom, day, Verdict(given.verdict), shown.text(given.reason), key.analyst, now)
    await host.write(partial(add_word, word=word))
    told = {"kind": kind.value, "uid": _shown(host, key, entity).name, "pseudonym": entity.pseudonym, **word.told_whole()}
    return Response(_ENCODER.encode(told), 201, media_type="application/json")


@router.get("/v1/entities/{kind}/{uid:path}", summary="An entity: its risk, what it is made of, what deviates and what is usual")
async def get_entity(
    request: Request,
    kind: EntityKind,
    uid: str,
    key: Authorised,
    *,
    format: Literal["json", "ocsf"] = "json",  # noqa: A002
) -> Response:
    """`sources`: what the risk is made of, none with more than its share. `deviates`: observed against expected on the latest such day.
    `control`: what access control is told, `decided`: what it would be told, `why` not. `format=ocsf`: a Detection Finding with
    `anomaly_analyses`. To those who need no names all of it is pseudonymous, and only the pseudonym is understood."""
    host: Host = request.app.state.host

    def ask(connection: Connection) -> dict[str, Any]:
        entity = _find(host, connection, key, kind, uid)
        if entity is None:
            raise NotFoundError("nothing is known of such an entity")
        shown = _shown(host, key, entity)
        if format == "json":
            return _detail(connection, host, entity, shown)
        latest = next(iter(records.anomalies_of(connection, entity.whom, 1)), None)
        now = host.observer.now()
        return ocsf.finding(kind, shown.name, entity.state.risk(now), now, shown.anomaly(latest))

    return _json(await _ask(host, ask))


@router.delete("/v1/entities/{kind}/{uid:path}", summary="Erase what is stored about an entity")
async def delete_entity(request: Request, kind: EntityKind, uid: str, key: Authorised) -> Response:
    """Its events, judgements, risks and controls are deleted, and every alert that names it is erased as by `DELETE /v1/alerts`. What
    was decided stays, under pseudonyms, as does who asked for the name. 404 where nothing is known."""
    host: Host = request.app.state.host
    entity = await _ask(host, lambda connection: _find(host, connection, key, kind, uid))
    return _json(await erase_entity(host, key, *((uid,) if entity is None else dict.fromkeys((entity.name, entity.uid)))))


@router.get("/v1/unmaskings", summary="Who asked for the names behind pseudonyms, and why")
async def get_unmaskings(request: Request, key: Authorised, *, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
    """The latest first; nothing is ever taken from it."""
    found = await _ask(request.app.state.host, lambda connection: records.unmasked(connection, key.tenant, "", limit))
    return _json({"unmaskings": [{**one._asdict(), "time": from_epoch(one.time)} for one in found]})


def _detail(connection: Connection, host: Host, entity: Entity, shown: Shown) -> dict[str, Any]:
    proven = host.observer.bounds.get(entity.tenant, {})
    return answers.detail(connection, entity, shown, host.observer.now(), proven)


def _find(host: Host, connection: Connection, key: Key, kind: EntityKind, uid: str) -> Entity | None:
    """Return an entity by its name, for those who may know names, or by its pseudonym."""
    if key.role in NAMED:
        found = records.find(connection, whom_named(host.encoder.aliases, key.tenant, kind, uid))
        if found is not None:
            return found
    return records.find_pseudonym(connection, key.tenant, kind, uid)


def _shown(host: Host, key: Key, entity: Entity) -> Shown:
    return Shown.to(key.role, entity, host.observer.veil(key.tenant))


async def _given(request: Request, form: type[Form]) -> Form:
    try:
        return msgspec.json.decode(await read_body(request, _MOST_BYTES), type=form)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidError(str(error)) from error


async def _ask(host: Host, ask: Any) -> Any:
    def asked() -> Any:
        with host.database.engine.connect() as connection:
            return ask(connection)

    return await asyncio.to_thread(asked)


def _position(text: str) -> tuple[float, int] | None:
    if not text:
        return None
    risk, _, number = text.partition(":")
    try:
        return float(risk), int(number)
    except ValueError as error:
        raise InvalidError("after is not one that this service gave") from error


def _json(body: object) -> Response:
    return Response(_ENCODER.encode(body), media_type="application/json")
