"""`tfx bench`: lists the benchmarks, or runs one and shows its table, checks and plot."""

from __future__ import annotations

from types import ModuleType
from typing import Annotated, Any

import typer

from tfx_cli import options
from tfx_cli.render.show import show_choices

app = typer.Typer(add_completion=False, rich_markup_mode=None)


def complete_name(incomplete: str) -> list[tuple[str, str]]:
    """Names for TAB, from the list and not from the modules."""
    from tfx.bench import benchmarks

    return options.completions(benchmarks(), incomplete)


@app.command()
def bench(
    name: Annotated[str | None, typer.Argument(autocompletion=complete_name, help="Without it: the list.")] = None,
    part: Annotated[str | None, typer.Argument(help="Which ladder: softmax, attention ...")] = None,
    seed: options.Seed = 0,
    quick: Annotated[bool, typer.Option("--quick/--full", help="Smaller sizes, same checks.")] = False,
    settings: options.Settings = None,
    plot: options.PlotPath = None,
    csv: options.CsvPath = None,
    html: options.HtmlPath = None,
    device: options.OnDevice = options.Device.cpu,
    details: options.Details = False,
    minutes: options.Minutes = None,
    json: options.Json = False,
    plain: options.Plain = False,
) -> None:
    """Time it: training step, attention, decoding, ladders.

    What is compared is timed in turns, in one process, and the medians count.  PyTorch takes part where it is
    installed.  Exit code 1 when things that should compute the same numbers do not.
    Changed settings that take longer than two minutes are asked for first, or by --minutes.

    \b
    examples
      tfx bench train
      tfx bench attention --quick --json
      tfx bench ladder softmax
    """
    face = options.face(json, plain)
    from tfx.bench import bench_module, benchmarks

    if name is None:
        show_choices("Benchmarks", benchmarks(), "tfx bench", face, called="benchmarks")
        return
    from tfx_cli.measurement import Asked, Files, measure_and_show

    module, command, defaults = bench_module(name), f"tfx bench {name}", None
    if hasattr(module, "PARTS"):
        if part is None:
            show_choices(f"{command}: which?", module.PARTS, command, face, called="parts")
            return
        command, defaults = f"{command} {part}", chosen_part(module, part, command)
    elif part is not None:
        from tfx.errors import BadInput

        raise BadInput(f'"{command}" takes no further word, but got "{part}".', f"Try: {command}")
    asked = Asked(seed, quick, device.value, Files(plot, csv, html), face, details=details, minutes=minutes)
    measure_and_show(module, command, settings or [], asked, defaults)


def chosen_part(module: ModuleType, part: str, command: str) -> Any:
    """The module's Settings for that part; raises BadInput with the nearest name when there is none."""
    from tfx.errors import unknown_name

    if part not in module.PARTS:
        raise unknown_name(command.rpartition(" ")[2], part, module.PARTS, command)
    return module.Settings(part=part)
