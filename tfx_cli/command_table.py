"""The commands: where each is, and its line of help.  Reading the table imports no command."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """A line of the table: the module that holds `app`, and the one-line help (which must be the module's own)."""

    module: str
    help: str


COMMANDS: dict[str, Entry] = {
    "explain": Entry("tfx_cli.commands.explain", "Walk through a topic on your own input, step by step."),
    "experiment": Entry("tfx_cli.commands.experiment", "Measure a claim: table, checks and a saved plot."),
    "claims": Entry("tfx_cli.commands.claims", "Look up what people say, and measure whether it is so."),
    "quiz": Entry("tfx_cli.commands.quiz", "Answer questions; what you miss comes back in time."),
    "practice": Entry("tfx_cli.commands.practice", "Write it yourself, and be told which mistake you made."),
    "export": Entry("tfx_cli.commands.export", "Take the course away: Anki cards, notebooks, Markdown."),
    "train": Entry("tfx_cli.commands.train", "Train a small Transformer and watch the loss."),
    "generate": Entry("tfx_cli.commands.generate", "Let a small language model go on with your text."),
    "bench": Entry("tfx_cli.commands.bench", "Time it: training step, attention, decoding, ladders."),
    "gradcheck": Entry("tfx_cli.commands.gradcheck", "Measure the gradient error of every operation."),
    "systems": Entry("tfx_cli.commands.systems", "Find a system: what it is, and where it works here."),
    "doctor": Entry("tfx_cli.commands.doctor", "Check this installation, terminal and folders."),
}
