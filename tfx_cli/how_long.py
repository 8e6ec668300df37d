"""How long a run takes in all, told from how far it is; what is longer than a reader expects is asked for first."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from tfx.errors import BadInput, many
from tfx.measure.progress import Progress
from tfx_cli.explaining.prompt import ask_line
from tfx_cli.terminal.lines import tell
from tfx_cli.terminal.pager import LEAVE

#: minutes that a run may take without being asked for
UNASKED = 2
#: seconds of work after which it is known how fast it goes
SOON = 4.0
PROMPT = "  Enter goes on, q stops > "


def clocks() -> tuple[float, float]:
    """Seconds that pass, and seconds of work of this process."""
    return time.perf_counter(), time.process_time()


def watched(
    progress: Progress,
    minutes: int,
    may_go_on: Callable[[float], None],
    read: Callable[[], tuple[float, float]] = clocks,
) -> Progress:
    """`progress` that calls `may_go_on` with the seconds of the whole run, once, when they are more than `minutes`.

    The seconds are those of a machine that has nothing else to do: not more than pass, and not more than are worked.
    """
    began, told = read(), False

    def look(done: int, total: int, what: str) -> None:
        nonlocal told
        progress(done, total, what)
        if told or not 0 < done < total:
            return
        so_far = min(now - then for now, then in zip(read(), began, strict=True))
        whole = so_far * total / done
        if so_far >= SOON and whole > 60 * minutes:
            told = True
            may_go_on(whole)

    return look


def ask_for_time(seconds: float, there: bool, command: str) -> None:
    """Asks whoever sits there whether to go on.

    Raises KeyboardInterrupt when the reader stops, and BadInput, with the command that asks for the time, where nobody
    is there.
    """
    minutes = math.ceil(seconds / 60)
    takes = f"these settings take about {many(minutes, 'minute')} in all"
    if not there:
        raise BadInput(
            f"{takes}, and {UNASKED} are taken unasked.",
            f"Ask for them: {command} --minutes {minutes + 1}   or choose smaller sizes: --set help",
        )
    tell(f"\ntfx: {takes}.")
    try:
        stops = ask_line(PROMPT).strip().lower() in LEAVE
    except EOFError:
        stops = True
    if stops:
        raise KeyboardInterrupt
