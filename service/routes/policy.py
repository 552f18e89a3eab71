"""The live policy of a tenant: read, change, stop, resume."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import APIRouter, Query, Request, Response

from models.errors import PolicyError
from models.live_policy import Cap, Live, LivePolicy, NeverSuppress, NeverTouch, Setting, stopped
from models.mandate import stand
from models.policy_store import PolicyStore
from service.auth import Authorised
from service.body import json_body, read_body
from service.errors import ConflictError, ForbiddenError, InvalidError, PreconditionError
from service.host import Host
from service.keys import Key
from service.policy_edits import Edit, proven_by, resume, seen_by, settled, stop
from service.problems import MEDIA_TYPE
from service.shadow import ShadowReport, shadow_report

router = APIRouter()

_MOST_BYTES = 2**20
_VERSIONS_BACK = 500
_PRECONDITIONS: dict[int | str, dict[str, Any]] = {
    412: {"description": "Another version is in force than `If-Match` names", "content": {MEDIA_TYPE: {}}}
}

L = TypeVar("L", bound=Live)


class TenantPolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a tenant's admin may say of the tenant. An entry may name the tenant of the key, and no other."""

    never_suppress: tuple[NeverSuppress, ...] | msgspec.UnsetType = msgspec.UNSET
    never_touch: tuple[NeverTouch, ...] | msgspec.UnsetType = msgspec.UNSET
    caps: tuple[Cap, ...] | msgspec.UnsetType = msgspec.UNSET
    modes: tuple[Setting, ...] | msgspec.UnsetType = msgspec.UNSET
    note: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class _Note(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    note: Annotated[str, msgspec.Meta(max_length=1000)] = ""


def _described(form: type[msgspec.Struct], *, required: bool) -> dict[str, Any]:
    """Return what OpenAPI says of a body of this form, with all that it refers to in place: no form holds itself."""
    (schema,), parts = msgspec.json.schema_components([form], ref_template="{name}")

    def whole(part: Any) -> Any:
        if isinstance(part, list):
            return [whole(one) for one in part]
        if not isinstance(part, dict):
            return part
        return whole(parts[part["$ref"]]) if "$ref" in part else {name: whole(value) for name, value in part.items()}

    return json_body(whole(schema), required=required)


_POLICY, _NOTE = _described(TenantPolicy, required=True), _described(_Note, required=False)


@router.get("/v1/policy", summary="The live policy in force: guardrails, modes as they stand, withdrawals, stops")
async def get_policy(request: Request, key: Authorised) -> Response:
    """What is said of the key's tenant and of all. The ETag is the digest by which decisions name the version.

    `modes`: what people gave, what is in `effect`, and `why` a mode came down: expired, no_certificate, withdrawn, transferred.
    A tenant of which nothing was said is in shadow. `refused`: the newest version cannot be read, and the one before is in force.
    """
    host: Host = request.app.state.host
    policy, refusal = await asyncio.to_thread(host.scorer.live.store.last_good)
    return _answer(host, key, policy, refused=bool(refusal), unless=request.headers.get("if-none-match"))


@router.put("/v1/policy", openapi_extra=_POLICY, summary="Say anew what holds for the tenant", responses=_PRECONDITIONS)
async def put_policy(request: Request, key: Authorised) -> Response:
    """JSON with `never_suppress`, `never_touch`, `caps`, `modes` and a `note`; what is left out is removed. `If-Match` is required.

    A mode above shadow needs a granted certificate of the bundle that serves; `"transferred": true` accepts one that follows from
    other tenants only.
    """
    if "if-match" not in request.headers:
        raise PreconditionError("say in If-Match which version you saw")
    return await _say(request, key, whole=True)


@router.patch("/v1/policy", openapi_extra=_POLICY, summary="Change some of what holds for the tenant", responses=_PRECONDITIONS)
async def patch_policy(request: Request, key: Authorised) -> Response:
    """As `PUT`, but what is left out stays. `If-Match` is obeyed where it is given."""
    return await _say(request, key, whole=False)


@router.post("/v1/policy/stop", openapi_extra=_NOTE, summary="The kill switch: no automatic action from the next batch on")
async def post_stop(request: Request, key: Authorised) -> Response:
    """Of the key's tenant. Body: nothing, or JSON with a `note`. Works whatever state the policy is in."""
    note = await _note(request)
    return await _change(request, key, stop(key.tenant, _who(key), datetime.now(UTC), note), note, whatever=True)


@router.post("/v1/policy/resume", openapi_extra=_NOTE, summary="Lift the tenant's stop")
async def post_resume(request: Request, key: Authorised) -> Response:
    """What stopped all tenants is lifted with the command line only. Body: nothing, or JSON with a `note`."""
    return await _change(request, key, resume(key.tenant), await _note(request))


@router.get("/v1/policy/history", summary="Who changed what holds for the tenant, when and why")
async def get_history(request: Request, key: Authorised, limit: Annotated[int, Query(ge=1, le=100)] = 20) -> Response:
    """Newest first; versions that changed nothing for the tenant are left out, and so are those long past."""
    host: Host = request.app.state.host
    return _json({"versions": await asyncio.to_thread(_versions, host.scorer.live.store, key.tenant, limit)})


@router.get("/v1/policy/report", summary="What would have happened had the last days' decisions been let out, with bounds")
async def get_report(request: Request, key: Authorised, days: Annotated[int, Query(ge=1, le=400)] = 30) -> Response:
    """By group: alerts that would be suppressed, a person's time saved, attacks among those that were judged, incidents that would be
    missed whole and responses that would be right, each with an exact interval. Bounds are as good as the choice of what was judged.
    """
    host: Host = request.app.state.host

    def read() -> ShadowReport:
        with host.database.engine.connect() as connection:
            return shadow_report(connection, key.tenant, days)

    return _json(await asyncio.to_thread(read))


async def _say(request: Request, key: Key, *, whole: bool) -> Response:
    host: Host = request.app.state.host
    try:
        said = msgspec.json.decode(await read_body(request, _MOST_BYTES), type=TenantPolicy)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidError(str(error)) from error
    proven, now = proven_by(host.scorer.engine.bundle), datetime.now(UTC)

    def edit(policy: LivePolicy) -> LivePolicy:
        new: dict[str, tuple[Live, ...]] = {}
        for field in ("never_suppress", "never_touch", "caps", "modes"):
            given = getattr(said, field)
            if given is msgspec.UNSET and not whole:
                continue
            own = _own(() if given is msgspec.UNSET else given, key.tenant)
            if field == "modes":
                own = settled(own, policy, proven, now)
            new[field] = (*(entry for entry in getattr(policy, field) if entry.tenant != key.tenant), *own)
        return msgspec.structs.replace(policy, **new)

    return await _change(request, key, edit, said.note)


def _own(entries: tuple[L, ...], tenant: str) -> tuple[Any, ...]:
    if any(entry.tenant not in ("", tenant) for entry in entries):
        raise ForbiddenError("a key changes the policy of its own tenant only")
    return tuple(msgspec.structs.replace(entry, tenant=tenant) for entry in entries)


async def _change(request: Request, key: Key, edit: Edit, note: str, *, whatever: bool = False) -> Response:
    host: Host = request.app.state.host
    wanted = request.headers.get("if-match", "*").strip()

    def checked(policy: LivePolicy) -> LivePolicy:
        if wanted not in ("*", f'"{policy.digest}"'):
            raise PreconditionError(f"version {policy.version} ({policy.digest}) is in force")
        return edit(policy)

    def make() -> LivePolicy:
        try:
            return host.scorer.live.store.change(checked, by=_who(key), time=datetime.now(UTC), note=note, whatever=whatever)
        except PolicyError as error:
            if host.scorer.live.store.last_good()[1]:
                raise ConflictError("the newest version of the policy cannot be read; an operator must look at it") from error
            raise InvalidError(error.reason) from error

    return _answer(host, key, await asyncio.to_thread(make))


async def _note(request: Request) -> str:
    body = await read_body(request, _MOST_BYTES)
    try:
        return msgspec.json.decode(body, type=_Note).note if body.strip() else ""
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidError(str(error)) from error


def _answer(host: Host, key: Key, policy: LivePolicy | None, *, refused: bool = False, unless: str | None = None) -> Response:
    etag = f'"{policy.digest if policy else "none"}"'
    if unless == etag:
        return Response(status_code=304, headers={"ETag": etag})
    now, proven = datetime.now(UTC).timestamp(), proven_by(host.scorer.engine.bundle)
    seen = seen_by(policy or LivePolicy(), key.tenant)
    modes = [
        {**msgspec.to_builtins(setting), "effect": found.effective, "why": found.why}
        for setting in seen.modes
        for found in [stand(setting, proven(setting.tenant, setting.group), seen, now)]
    ]
    body = {
        "version": policy.version if policy else None,
        "policy": policy.digest if policy else None,
        "tenant": key.tenant,
        "refused": refused,
        "stopped": policy is None or stopped(seen, key.tenant, now),
        "mode": next((mode["effect"] for mode in modes if not mode["group"]), "shadow"),
        **{name: getattr(seen, name) for name in ("habit_from", "missing_to", "never_suppress", "never_touch", "caps")},
        "modes": modes,
        "withdrawals": seen.withdrawals,
        "stops": seen.stops,
    }
    answer = _json(body)
    answer.headers["ETag"] = etag
    return answer


def _versions(store: PolicyStore, tenant: str, limit: int) -> list[dict[str, Any]]:
    newest = store.newest()
    later: LivePolicy | None = None
    found: list[dict[str, Any]] = []
    for number in range(newest, max(-1, newest - _VERSIONS_BACK), -1):
        try:
            policy = store.read(number)
        except PolicyError:
            continue
        if later is not None and seen_by(later, tenant) != seen_by(policy, tenant):
            found.append({name: getattr(later, name) for name in ("version", "digest", "time", "by", "note")})
        if len(found) == limit:
            break
        later = policy
    return found


def _who(key: Key) -> str:
    return key.name or key.uid


def _json(body: object) -> Response:
    return Response(msgspec.json.encode(body), media_type="application/json")
