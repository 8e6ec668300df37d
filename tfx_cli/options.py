"""Options that several commands share, as types for Typer.  `--color`, `--debug` and `-h` are added to every command
by tfx_cli.app, so commands do not mention them."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tfx.errors import BadInput

#: endings of picture files
PICTURES = (".png", ".svg", ".pdf")


class Device(StrEnum):
    cpu = "cpu"
    cuda = "cuda"


class Face(StrEnum):
    """How results are shown."""

    terminal = "terminal"
    plain = "plain"
    json = "json"


Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Plain = Annotated[
    bool, typer.Option("--plain", help="One record a line, tab-separated; for screen readers and scripts.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, metavar="N", help="Everything random follows from it.")]
Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting; may be given again.")
]
PlotPath = Annotated[Path | None, typer.Option("--plot", metavar="PATH", help="Save the picture: .png, .svg or .pdf.")]
CsvPath = Annotated[Path | None, typer.Option("--csv", metavar="PATH", help="Save the table.")]
HtmlPath = Annotated[Path | None, typer.Option("--html", metavar="PATH", help="Save one self-contained page.")]
Predict = Annotated[
    bool, typer.Option("--predict/--no-predict", help="In a terminal, ask for a number before it is shown.")
]
Details = Annotated[bool, typer.Option("--details", help="Every row, column, check and note.")]
Workers = Annotated[
    int, typer.Option("--workers", min=0, max=256, metavar="N", help="Share the work among N processes.")
]
Cluster = Annotated[
    str, typer.Option("--cluster", metavar="ADDRESS", help="Share it among the workers of a Dask scheduler.")
]
Minutes = Annotated[
    int | None, typer.Option("--minutes", min=1, max=100_000, metavar="N", help="It may take so long; 2 unless told.")
]
OnDevice = Annotated[Device, typer.Option("--device", help="Where to compute; cuda needs CuPy.")]


def completions(known: Mapping[str, str], incomplete: str) -> list[tuple[str, str]]:
    """What TAB offers: names that begin like that, each with its one line."""
    return [(name, about) for name, about in known.items() if name.startswith(incomplete)]


def face(json: bool, plain: bool) -> Face:
    """The chosen face; raises BadInput for both at once."""
    if json and plain:
        raise BadInput("--json and --plain exclude each other.", "Give one of them.")
    return Face.json if json else Face.plain if plain else Face.terminal
