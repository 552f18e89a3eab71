"""Training's commands: data, simulate, train, promote, rollback, replay, demo."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from features.errors import FeaturesError
from models.errors import ModelsError
from training.batch_commands import events_of
from training.behaviour_commands import say_learned
from training.errors import TrainingError
from training.settings import Settings
from training.terminal import Data, Format, console, working

if TYPE_CHECKING:
    from training.behaviour.fitting import Source
    from training.pipeline import TrainResult

app = typer.Typer(no_args_is_help=True)
data_app = typer.Typer(no_args_is_help=True, help="Public data sets: list, fetch.")
app.add_typer(data_app, name="data")


@data_app.command("list")
def data_list() -> None:
    """List the data sets that Tamis knows how to get, with their licences."""
    from training.catalogue import table

    Console().print(table(Settings.from_env()))


@data_app.command("fetch")
def data_fetch(name: Annotated[str, typer.Argument(help="A name from `tamis data list`.")]) -> None:
    """Get a data set: the local copy under TAMIS_DATA_DIR if there is one, else by download (resumed, checked)."""
    from training.catalogue import fetch

    try:
        typer.echo(fetch(Settings.from_env(), name, console))
    except TrainingError as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error


@app.command()
def simulate(
    out: Annotated[Path, typer.Option(help="Folder for history, context and truth.")],
    tenants: Annotated[int, typer.Option(min=1)] = 3,
    days: Annotated[int, typer.Option(min=1)] = 7,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 0,
    noise: Annotated[float, typer.Option(help="Times as many benign alerts.")] = 1.0,
    campaign_days: Annotated[float, typer.Option(help="Days from one campaign's begin to the next, in the mean.")] = 2.5,
    behaviour: Annotated[bool, typer.Option(help="Write events.parquet too: what everybody does, insiders among it.")] = True,
) -> None:
    """Make up a world with known truth: tenants, habits, noise, campaigns, verdicts, and what accounts do."""
    from training.simulator import simulate as run

    with working("simulating"):
        made = run(tenants, days, seed, out, noise=noise, campaign_days=campaign_days, behaviour=behaviour)
    console.print(f"{out}: {made.alerts:,} alerts, {made.labels:,} labels, {made.incidents} incidents", highlight=False)


@app.command()
def train(
    data: Data,
    fmt: Format,
    objective: Annotated[
        list[str] | None,
        typer.Option(help="A sentence that a threshold must keep; once for each. Default: as for missed incidents .01."),
    ] = None,
    costs: Annotated[Path | None, typer.Option(help="JSON file of costs that choose within what is proven.")] = None,
    out: Annotated[Path | None, typer.Option(help="Also write the bundle to this directory.")] = None,
    also: Annotated[Path | None, typer.Option(help="A history to train on as well, such as `tamis export` writes.")] = None,
    without_labels_of: Annotated[
        list[str] | None, typer.Option(help="An analyst whose labels are taken as never given; may be given again.")
    ] = None,
    events: Annotated[
        Path | None, typer.Option(help="Events to learn behaviour from; alerts know their entities' as of then.")
    ] = None,
    events_format: Annotated[str, typer.Option(help="The events' format; given as --format, behaviour alone is learned.")] = "",
    promote_it: Annotated[bool, typer.Option("--promote", help="Promote it at once if the gate says yes.")] = False,
) -> None:
    """Learn from labelled alerts, from events, or from both; a model that judges alerts is `challenger` in MLflow."""
    from models.certificates.costs import Costs
    from training.behaviour.fitting import Source
    from training.behaviour.loaders import is_of_events
    from training.pipeline import train as run
    from training.registry import promote as promote_version

    settings = Settings.from_env()
    source = events_of(events, events_format)
    if is_of_events(fmt):
        if source is not None or promote_it:
            raise typer.BadParameter("judges no alerts: neither --events nor --promote", param_hint=f"--format {fmt}")
        _train_behaviour(settings, Source(data, fmt), out)
        return
    with working("training") as told:
        result = run(
            settings, data, fmt, objectives=objective or (), costs=Costs.read(costs) if costs else None, out=out, also=also,
            without_labels_of=without_labels_of or (), events=source, told=told,
        )  # fmt: skip
        promoted = promote_version(settings, result.version, by=getpass.getuser())[0] if promote_it else ""
    _say_trained(result)
    if promoted:
        console.print(f"promoted: {promoted[:12]}")


def _train_behaviour(settings: Settings, source: Source, out: Path | None) -> None:
    from training.behaviour.pipeline import train_behaviour

    with working("training") as told:
        result = train_behaviour(settings, source, out=out, told=told)
    console.print(f"behaviour version {result.version}, bundle {result.bundle_digest[:12]}")
    say_learned(result.learned)


def _say_trained(result: TrainResult) -> None:
    from models.certificates.certificate import EVERY

    console.print(
        f"version {result.version}, bundle {result.bundle_digest[:12]}, {result.alerts:,} alerts, {result.rejects} rejected"
    )
    for name in ("group_ap", "group_ap_worst", "step_recall", "calibration_error"):
        if name in result.metrics:
            console.print(f"  {name:18} {result.metrics[name]:.3f}")
    for certificate in result.policy.certificates:
        if certificate.group == EVERY:
            console.print(f"  certificate {certificate.uid}  {certificate.sentence()}", highlight=False, soft_wrap=True)
    if result.behaviour is not None:
        say_learned(result.behaviour)


@app.command()
def promote(version: Annotated[str, typer.Argument(help="A version of the model; the challenger if not given.")] = "") -> None:
    """Make a version champion and publish its bundle, if the gate says yes."""
    from training.registry import promote as run

    with working("promoting"):
        digest, report = run(Settings.from_env(), version, by=getpass.getuser())
    console.print(f"champion: bundle {digest[:12]}; " + "; ".join(report.remarks))


@app.command()
def rollback() -> None:
    """Serve the bundle that was champion before. Takes seconds and needs no MLflow."""
    from training.rollback import rollback as run

    with working("rolling back"):
        digest = run(Settings.from_env(), getpass.getuser())
    console.print(f"champion: bundle {digest[:12]}")


@app.command()
def replay(
    data: Data,
    fmt: Format,
    url: Annotated[str, typer.Option(help="Where the service is.")] = "http://127.0.0.1:8321",
    key: Annotated[str, typer.Option(envvar="TAMIS_KEY", help="An API key of role pipeline.")] = "",
    speed: Annotated[float, typer.Option(help="Times as fast as life; 0 for as fast as it goes.")] = 0.0,
) -> None:
    """Play the alerts of a file to a running service, in order of time."""
    from training.replay import replay as run

    with working("replaying") as told:
        counts = run(data, fmt, url, key, speed=speed, told=told)
    console.print(", ".join(f"{action} {count:,}" for action, count in sorted(counts.items())), highlight=False)


@app.command()
def demo() -> None:
    """The whole loop on real alerts: train, serve, replay, verdicts, retrain, swap. Fails unless a verdict changed something."""
    from training.demo import demo as run

    try:
        run(Settings.from_env(), Console())
    except (TrainingError, FeaturesError, ModelsError) as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
