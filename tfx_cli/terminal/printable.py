"""Text of the reader, or of a file from elsewhere, made harmless for a terminal.

A control character can clear the screen, set the title of the window or ring; one that turns the direction of writing
lets a line look like another.  Each becomes `?`.
"""

from __future__ import annotations

import re

from tfx_cli.terminal.cells import with_empty_named

#: C0 but line breaks, DEL and C1; marks of direction; breaks of lines and paragraphs, which some terminals follow;
#: annotations and tags, which show nothing; halves of characters, which no encoding has
UNPRINTABLE = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


def printable(text: str) -> str:
    """Control characters become `?`, tabs become spaces, a word that would show nothing says what it is; lines stay."""
    return text if text.isascii() and text.isprintable() else UNPRINTABLE.sub("?", with_empty_named(text.expandtabs(4)))


def on_one_line(text: object) -> str:
    """The same for a name of a file, which may hold line breaks too."""
    return printable(str(text)).replace("\n", "?")
