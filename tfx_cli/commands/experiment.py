"""`tfx experiment`: lists the experiments, or runs one and shows its table, checks and plot."""

from __future__ import annotations

from typing import Annotated

import typer

from tfx_cli import options
from tfx_cli.render.show import show_document, show_groups, show_names

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def complete_name(incomplete: str) -> list[tuple[str, str]]:
    """Names for TAB, from the list and not from the modules."""
    from tfx.lab import experiments

    return options.completions(experiments(), incomplete)


@app.command()
def experiment(
    name: Annotated[
        str | None, typer.Argument(autocompletion=complete_name, help="Or a group of them; without it: the list.")
    ] = None,
    seed: options.Seed = 0,
    quick: Annotated[bool, typer.Option("--quick", help="Fewer samples, same checks.")] = False,
    full: Annotated[bool, typer.Option("--full", help="The careful run: minutes.")] = False,
    settings: options.Settings = None,
    plot: options.PlotPath = None,
    csv: options.CsvPath = None,
    html: options.HtmlPath = None,
    device: options.OnDevice = options.Device.cpu,
    predict: options.Predict = True,
    details: options.Details = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what Ctrl-C left.")] = False,
    minutes: options.Minutes = None,
    workers: options.Workers = 0,
    cluster: options.Cluster = "",
    json: options.Json = False,
    plain: options.Plain = False,
) -> None:
    """Measure a claim: table, checks and a saved plot.

    Every number is computed now; equal seeds give equal numbers.  Exit code 1 when a check fails.
    In a terminal you predict a number first.  A plot that you name replaces the file of that name; one that you do not
    name replaces nothing but its own earlier picture.
    Ctrl-C shows what was measured so far; --resume ends with the numbers of a run that was never stopped.
    Changed settings that take longer than two minutes are asked for first, or by --minutes.

    \b
    examples
      tfx experiment scaling
      tfx experiment scaling --quick --plot scaling.svg --csv scaling.csv
      tfx experiment scaling --set mean=0.5 --json
    """
    face = options.face(json, plain)
    from tfx.lab import GROUPS, experiment_module

    if name is None or name in GROUPS:
        show_experiments(name, face)
        return
    from tfx_cli.measurement import Asked, Files, measure_and_show

    files = Files(plot, csv, html)
    asked = Asked(seed, quick, device.value, files, face, resume, predict, details, full, workers, cluster, minutes)
    measure_and_show(experiment_module(name), f"tfx experiment {name}", settings or [], asked)


def show_experiments(wanted: str | None, face: options.Face) -> None:
    """The list by group, or one group."""
    from tfx.lab import experiments, groups_of

    group = groups_of()
    rows = [{"name": name, "question": question, "group": group[name]} for name, question in experiments().items()]
    rows = [row for row in rows if wanted in (None, row["group"])]
    if face is options.Face.json:
        show_document({"rows": rows})
        return
    groups: dict[str, dict[str, str]] = {}
    for row in rows:
        groups.setdefault(row["group"], {})[row["name"]] = row["question"]
    if face is options.Face.terminal and wanted is None:
        some = next(iter(groups))
        next_words = (f"a group and its questions: tfx experiment {some}", f"run one: tfx experiment {rows[0]['name']}")
        show_names(f"{len(rows)} experiments", groups, next_words)
    else:
        show_groups("Experiments", groups, f"run one: tfx experiment {rows[0]['name']}", face)
