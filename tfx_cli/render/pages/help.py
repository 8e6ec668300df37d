"""What `tfx -h` shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tfx_cli.render.wrapping import labelled, packed, wrapped

HEAD = "tfx  Transformers, explained by measurement"
EXAMPLES = (
    ("tfx", "where you are, and what is next"),
    ('tfx explain attention --text "the cat sat"', ""),
)
BESIDES = "tfx --version, --install-completion, --show-completion [SHELL] (for TAB)"
OPTIONS = "-h, --help, --json, --plain, --color auto|always|never, --debug"
EXIT_CODES = (
    *("0 done", "1 ran, and the answer is no", "2 usage or bad input"),
    *("3 environment or our bug", "130 Ctrl-C"),
)


def help_page(commands: Mapping[str, str], width: int = 80) -> str:
    """Every command with its line of help, examples, options and exit codes, above a prompt on 24 lines of 80."""
    return "\n".join(line.rstrip() for line in lines_of(commands, width)) + "\n"


def lines_of(commands: Mapping[str, str], width: int) -> Iterator[str]:
    yield from head(width)
    yield "usage: tfx COMMAND [OPTIONS]"
    yield ""
    for name, about in commands.items():
        yield from labelled(name, about, width, column=13)
    yield from ("", "examples")
    for command, about in EXAMPLES:
        yield from labelled(command, about, width, column=26) if about else [f"  {command}"]  # typed: whole
    yield from wrapped(BESIDES, width, "    ")
    yield from labelled("every command", OPTIONS, width, margin="", column=15)
    yield from labelled("exit codes", packed(EXIT_CODES, max(width - 12, 24)), width, margin="", column=12)


def head(width: int) -> list[str]:
    """The first line of the page, in two where the terminal is narrow."""
    return [HEAD] if len(HEAD) <= width else HEAD.split("  ", 1)
