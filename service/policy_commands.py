"""The live policy's commands. They write versions of it and nothing else; a running service takes them up before its next batch."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer

from features.alert import EntityKind
from models.bundle_store import BundleStore
from models.decision import BlastRadius
from models.errors import PolicyError
from models.live_policy import EVERYWHERE, Cap, Condition, LivePolicy, Mode, NeverSuppress, NeverTouch, Setting
from models.mandate import stand
from models.policy_store import PolicyStore
from service.policy_edits import Edit, champion, key_of, merged, proven_by, replaced, settled, without
from service.policy_edits import restore as restoring
from service.policy_edits import resume as resuming
from service.policy_edits import stop as stopping
from service.settings import ServiceSettings
from service.shadow import shadow_report, told_shadow
from service.store.aside import reading
from service.terminal import plain, told

app = typer.Typer(no_args_is_help=True, help="The live policy: guardrails, modes, withdrawals, the kill switch.")

T = TypeVar("T")

_Tenant = Annotated[str, typer.Option(help="Whose alerts.")]
_Everywhere = Annotated[bool, typer.Option("--everywhere", help="All tenants'.")]
_Group = Annotated[str, typer.Option(help="Only of this group, as product:suricata, severity:3 or rule:suricata/2024.")]
_Note = Annotated[str, typer.Option(help="Why; is kept with the version.")]
_By = Annotated[str, typer.Option(help="Who does it; else the login name.")]
_Never = Annotated[
    list[str] | None,
    typer.Option(
        "--never-suppress",
        help="severity=5 (from it on), criticality=3, tactic=impact, technique=T1059, indicator, decoy; repeatable.",
    ),
]
_Touch = Annotated[list[str] | None, typer.Option("--never-touch", help="An entity, as host:dc01; repeatable.")]


@app.command("show")
def show(
    tenant: _Tenant = "",
    *,
    as_json: Annotated[bool, typer.Option("--json", help="The whole policy, in the form that `set --file` takes.")] = False,
) -> None:
    """Show what is in force, and the modes as they stand."""
    with told():
        policy, refusal = _store().last_good()
        if refusal:
            typer.echo(plain(f"refused: {refusal}"), err=True)
        if policy is None:
            raise PolicyError(str(_store().root), "no version can be read: nothing is automated")
        if as_json:
            typer.echo(msgspec.json.format(msgspec.json.encode(policy), indent=1).decode())
            return
        typer.echo(f"version {policy.version} ({policy.digest})" + (f" by {plain(policy.by)}" if policy.by else ""))
        for line in _told(policy, tenant):
            typer.echo(plain(line))


@app.command("set")
def set_(
    tenant: _Tenant = "",
    *,
    everywhere: _Everywhere = False,
    group: _Group = "",
    mode: Annotated[Mode | None, typer.Option(help="How much is let out; above shadow only with a granted certificate.")] = None,
    accept_transferred: Annotated[
        bool,
        typer.Option("--accept-transferred", help="Accept a certificate that follows from other tenants only: an assumption."),
    ] = False,
    never_suppress: _Never = None,
    never_touch: _Touch = None,
    cap: Annotated[
        list[str] | None, typer.Option(help="Responses of a tier or larger in so many seconds, as minimal=10/3600; repeatable.")
    ] = None,
    habit_from: Annotated[
        float | None, typer.Option(min=0.0, help="Everywhere: fired so often in a day before it may be suppressed.")
    ] = None,
    missing_to: Annotated[float | None, typer.Option(min=0.0, max=1.0, help="Everywhere: most unreadable features.")] = None,
    expires: Annotated[datetime | None, typer.Option(help="When the entries given cease to hold (UTC).")] = None,
    file: Annotated[Path | None, typer.Option(help="A whole policy as JSON, in place of the one in force.")] = None,
    note: _Note = "",
    by: _By = "",
) -> None:
    """Add entries or replace those about the same; with --file the whole policy."""
    with told():
        now = datetime.now(UTC)
        proven = proven_by(
            champion(BundleStore(ServiceSettings.from_env().bundles)) if mode not in (None, Mode.SHADOW) or file else None
        )
        if file is not None:
            _change(replaced(_parsed(file), proven, now), by, note)
            return
        common: dict[str, Any] = {"tenant": EVERYWHERE if everywhere else _named(tenant), "note": note,
                                  "expires": expires.replace(tzinfo=UTC) if expires else None}  # fmt: skip
        nevers = [NeverSuppress(**common, by=key, value=value) for key, value in map(_condition, never_suppress or ())]
        touches = [NeverTouch(**common, kind=kind, uid=uid) for kind, uid in map(_entity, never_touch or ())]
        caps = [Cap(**common, tier=tier, most=most, window_seconds=window) for tier, most, window in map(_cap, cap or ())]
        modes = [Setting(**common, mode=mode, group=group, transferred=accept_transferred)] if mode is not None else []

        def edit(policy: LivePolicy) -> LivePolicy:
            return msgspec.structs.replace(
                policy,
                never_suppress=merged(policy.never_suppress, nevers),
                never_touch=merged(policy.never_touch, touches),
                caps=merged(policy.caps, caps),
                modes=merged(policy.modes, settled(modes, policy, proven, now)),
                habit_from=policy.habit_from if habit_from is None else habit_from,
                missing_to=policy.missing_to if missing_to is None else missing_to,
            )

        _change(edit, by, note)


@app.command("unset")
def unset(
    tenant: _Tenant = "",
    *,
    everywhere: _Everywhere = False,
    group: _Group = "",
    mode: Annotated[bool, typer.Option("--mode", help="The mode of the tenant or group.")] = False,
    never_suppress: _Never = None,
    never_touch: _Touch = None,
    cap: Annotated[list[BlastRadius] | None, typer.Option(help="The cap of a tier; repeatable.")] = None,
    habit_from: Annotated[bool, typer.Option("--habit-from", help="Back to the bundle's.")] = False,
    missing_to: Annotated[bool, typer.Option("--missing-to", help="Back to the bundle's.")] = False,
    note: _Note = "",
    by: _By = "",
) -> None:
    """Remove entries. To remove one that is not there is an error."""
    with told():
        whose = EVERYWHERE if everywhere else _named(tenant)
        nevers: set[tuple[str, ...]] = {(whose, key.value, value) for key, value in map(_condition, never_suppress or ())}
        touches: set[tuple[str, ...]] = {(whose, kind.value, uid) for kind, uid in map(_entity, never_touch or ())}

        def edit(policy: LivePolicy) -> LivePolicy:
            return msgspec.structs.replace(
                policy,
                never_suppress=without(policy.never_suppress, nevers, "never_suppress"),
                never_touch=without(policy.never_touch, touches, "never_touch"),
                caps=without(policy.caps, {(whose, tier.value) for tier in cap or ()}, "cap"),
                modes=without(policy.modes, {(whose, group)} if mode else set(), "mode"),
                habit_from=None if habit_from else policy.habit_from,
                missing_to=None if missing_to else policy.missing_to,
            )

        _change(edit, by, note)


@app.command("stop")
def stop(tenant: _Tenant = "", *, everywhere: _Everywhere = False, note: _Note = "", by: _By = "") -> None:
    """The kill switch: from the next batch on no action is automatic. Works on a damaged policy, too."""
    with told():
        whose = EVERYWHERE if everywhere else _named(tenant)
        _change(stopping(whose, _who(by), datetime.now(UTC), note), by, note, whatever=True)


@app.command("resume")
def resume(tenant: _Tenant = "", *, everywhere: _Everywhere = False, note: _Note = "", by: _By = "") -> None:
    """Lift a stop. What stopped everywhere is lifted everywhere."""
    with told():
        _change(resuming(EVERYWHERE if everywhere else _named(tenant)), by, note)


@app.command("restore")
def restore(
    certificate: Annotated[str, typer.Argument(help="The certificate's uid, from `tamis policy show`.")],
    tenant: _Tenant = "",
    *,
    everywhere: _Everywhere = False,
    group: Annotated[str | None, typer.Option(help="Only in this group.")] = None,
    note: _Note = "",
    by: _By = "",
) -> None:
    """Lift the withdrawal of a certificate: a person answers for it."""
    with told():
        _change(restoring(EVERYWHERE if everywhere else _named(tenant), certificate, group), by, note)


@app.command("history")
def history(most: Annotated[int, typer.Option(min=1, help="How many, the newest first.")] = 20) -> None:
    """List versions: who made them, when and why."""
    with told():
        store = _store()
        for number in range(store.newest(), max(0, store.newest() - most), -1):
            try:
                policy = store.read(number)
            except PolicyError as error:
                typer.echo(plain(f"{number:6}  refused: {error}"))
                continue
            when = f"{policy.time:%Y-%m-%dT%H:%M:%SZ}" if policy.time else ""
            typer.echo(plain(f"{number:6}  {policy.digest}  {when}  {policy.by}  {policy.note}".rstrip()))


@app.command("report")
def report(tenant: _Tenant, days: Annotated[int, typer.Option(min=1, max=400, help="So many days back.")] = 30) -> None:
    """Say what would have happened had the last days' decisions been let out, with bounds, by group."""
    with told():
        with reading(ServiceSettings.from_env().database) as connection:
            found = shadow_report(connection, tenant, days)
        for line in told_shadow(found):
            typer.echo(plain(line))


def _told(policy: LivePolicy, tenant: str) -> list[str]:
    """Return what a policy says, a line for each entry; with a ``tenant``, only what concerns it."""
    now = datetime.now(UTC).timestamp()
    proven = proven_by(champion(BundleStore(ServiceSettings.from_env().bundles)) if policy.modes else None)
    lines = [
        f"everywhere: {name} {value}" for name in ("habit_from", "missing_to") if (value := getattr(policy, name)) is not None
    ]
    for entry in policy.entries():
        if tenant and entry.tenant not in (EVERYWHERE, tenant):
            continue
        what = " ".join(filter(None, key_of(entry)[1:]))
        line = f"{entry.tenant or 'everywhere'}: {type(entry).__name__} {what}".rstrip()
        if isinstance(entry, Cap):
            line += f" at most {entry.most} in {entry.window_seconds:g} s"
        if isinstance(entry, Setting):
            found = stand(entry, proven(entry.tenant, entry.group), policy, now)
            line += f" {found.given.value}" + (f", in effect {found.effective.value}: {found.why}" if found.why else "")
            line += f" (certificate {entry.certificate})" if entry.certificate else ""
        line += f", until {entry.expires:%Y-%m-%dT%H:%M:%SZ}" if entry.expires else ""
        lines.append(line + (f" – {entry.note}" if entry.note else ""))
    return lines


def _change(edit: Edit, by: str, note: str, *, whatever: bool = False) -> None:
    made = _store().change(edit, by=_who(by), time=datetime.now(UTC), note=note, whatever=whatever)
    typer.echo(f"version {made.version} ({made.digest})", err=True)


def _who(by: str) -> str:
    return by or getpass.getuser()


def _store() -> PolicyStore:
    return PolicyStore(ServiceSettings.from_env().policy)


def _named(tenant: str) -> str:
    if not tenant:
        raise PolicyError("tenant", "name one with --tenant, or say --everywhere")
    return tenant


def _parsed(file: Path) -> LivePolicy:
    try:
        return msgspec.json.decode(file.read_bytes(), type=LivePolicy)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PolicyError(str(file), str(error)) from error


def _condition(text: str) -> tuple[Condition, str]:
    key, _, value = text.partition("=")
    return _read(Condition, key, text), value


def _entity(text: str) -> tuple[EntityKind, str]:
    kind, _, uid = text.partition(":")
    return _read(EntityKind, kind, text), uid


def _cap(text: str) -> tuple[BlastRadius, int, float]:
    tier, _, rest = text.partition("=")
    most, _, window = rest.partition("/")
    return _read(BlastRadius, tier, text), _read(int, most, text), _read(float, window, text)


def _read(kind: Callable[[Any], T], value: str, text: str) -> T:
    try:
        return kind(value)
    except ValueError as error:
        raise PolicyError(repr(text), str(error)) from error
