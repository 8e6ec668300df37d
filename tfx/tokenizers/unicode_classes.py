"""Letters, numbers and punctuation outside ASCII, as Unicode 18.0.0 has them.

Python's `unicodedata` knows as many characters as the Unicode of its own year, so that a text would be cut otherwise
under another Python.  A tokenizer's file should not mean two things: the classes are written down here, once, and the
same under every Python.  Characters that came to Unicode later belong to no class.

Source: The Unicode Standard, version 18.0.0, UnicodeData.txt: the first letters L, N and P of the general category.
"""

from __future__ import annotations

from bisect import bisect_right

VERSION = "18.0.0"

#: From U+0080 on: runs of a class, each with its length in hexadecimal; - is for every other character.
_RUNS = """
-21 P1 -5 P1 -2 L1 P1 -6 N2 -1 L1 P2 -1 N1 L1 P1 N3 P1 L17 -1 L1f -1 L1ca -4 Lc -e L5 -7 L1 -1 L1 -81 L5 -1 L2 -2 L4
P1 L1 -6 L1 P1 L3 -1 L1 -1 L14 -1 L53 -1 L8b -8 La6 -1 L26 -1 L2 P6 L29 P2 L2 -31 P1 -1 P1 -2 P1 -2 P1 -9 L1b -4 L4
P2 -14 P2 -1 P2 -d P1 -1 P3 L2b -15 Na P4 L2 -1 L63 P1 L1 -f L2 -7 L2 Na L3 -2 L1 Pe -2 L1 -1 L1e -1d L59 -b L1 -e
Na L21 -9 L2 -1 P3 L1 -5 L16 -4 L1 -9 L1 -3 L1 -7 Pf -1 L19 -5 P1 -1 Lb -5 L18 -1 L7 -10 L2a -3a L36 -3 L1 -12 L1 -7
La -2 P2 Na P1 L10 -4 L8 -2 L2 -2 L16 -1 L7 -1 L1 -3 L4 -3 L1 -10 L1 -d L2 -1 L3 -4 Na L2 -2 N6 -2 L1 P1 -7 L6 -4 L2
-2 L16 -1 L7 -1 L2 -1 L2 -1 L2 -1f L4 -1 L1 -7 Na -2 L3 -1 P1 -e L9 -1 L3 -1 L16 -1 L7 -1 L2 -1 L5 -3 L1 -12 L1 -f
L2 -4 Na P1 -8 L1 -b L8 -2 L2 -2 L16 -1 L7 -1 L2 -1 L5 -3 L1 -1e L2 -1 L3 -4 Na -1 L1 N6 -b L1 -1 L6 -3 L3 -1 L4 -3
L2 -1 L1 -1 L2 -3 L2 -3 L3 -3 Lc -16 L1 -15 Nd -12 L8 -1 L3 -1 L17 -1 L10 -3 L1 -1a L3 -1 L2 -2 L2 -4 Na -7 P1 N7 -1
L1 -3 P1 L8 -1 L3 -1 L17 -1 La -1 L5 -3 L1 -1e L3 -1 L2 -4 Na -1 L2 -11 L9 -1 L3 -1 L29 -2 L1 -10 L1 -5 L3 -1 N7 L3
-4 N13 -1 L6 -5 L12 -3 L18 -1 L9 -1 L1 -2 L7 -1f Na -4 P1 -c L30 -1 L2 -c L7 -8 P1 Na P2 -25 L2 -1 L1 -1 L5 -1 L18
-1 L1 -1 La -1 L2 -9 L1 -2 L5 -1 L1 -9 Na -2 L4 -20 L1 -3 Pf -1 P1 -b N14 -6 P4 -2 L8 -1 L24 -18 P1 -2 L5 -43 P5 -4
P2 -25 L2b -14 L1 Na P6 L6 -4 L4 -3 L1 -3 L2 -7 L3 -4 Ld -c L1 -1 Na -6 L26 -1 L1 -5 L1 -2 L2b P1 L14d -1 L4 -2 L7
-1 L1 -1 L4 -2 L29 -1 L4 -2 L21 -1 L4 -2 L7 -1 L1 -1 L4 -2 Lf -1 L39 -1 L4 -2 L43 -5 P9 N14 -3 L10 -10 L56 -2 L6 -2
P1 L26c -1 P1 L11 -1 L1a P2 -3 L4b P3 N3 L8 -7 L12 -d L13 -3 P2 -9 L12 -e Ld -1 L3 -f L34 -20 P3 L1 P3 -1 L1 -3 Na
-6 Na -6 Pb -5 Na -6 L59 -7 L5 -2 L22 -1 L1 -5 L46 -a L1f -25 P2 Na L1e -2 L5 -b L2c -4 L1a -6 Nb -25 L17 -7 P2 L35
-2b Na -6 Na -6 P7 L1 P6 -57 L2f -11 L8 -1 P2 Na P7 -1c P3 -3 L1e -d L2 Na L2c -16 P4 L24 -17 P5 Na -3 L3 Na L24 P2
Lb -5 L2b -2 L3 P8 -b P1 -15 L4 -1 L6 -1 L2 -3 L1 -5 Lc0 -40 L116 -2 L6 -2 L26 -2 L6 -2 L8 -1 L1 -1 L1 -1 L1 -1 L1f
-2 L35 -1 L7 -1 L1 -3 L3 -1 L7 -3 L4 -2 L6 -4 Ld -5 L3 -1 L7 -13 P18 -8 P14 -1 Pd -1 Pc -11 N1 L1 -2 N6 -3 P2 L1 Na
-3 P2 L11 -62 L1 -4 L1 -2 La -1 L1 -3 L5 -6 L1 -1 L1 -1 L1 -1 L4 -1 Lb -2 L4 -5 L5 -4 L1 -1 N33 L2 N5 -17e P4 -1d P2
-135 N3c -4e N16 -268 Pe N1e -31 P2 -1f Pa -193 P16 -3f P4 -20 P2 -202 Le5 -6 L4 -3 L2 -5 P4 N1 P2 L26 -1 L1 -5 L1
-2 L38 -7 L1 P1 -f L17 -9 L7 -1 L7 -1 L7 -1 L7 -1 L7 -1 L7 -1 L7 -1 L7 -21 P2f L1 P20 -2 Pc -2 P4 -19d P3 -1 L2 N1
Pa -2 Pc -1 N9 -6 P1 L5 -2 N3 L2 P1 -3 L56 -6 L3 P1 L5a P1 L4 -5 L2b -1 L5e -3 N4 -a L20 -30 L10 -20 Na -1e N8 -1 Nf
-20 Na -27 Nf -140 L19c0 -40 L568d -43 L2e P2 L10d P3 L10 Na L2 -14 L2f -4 P1 -a P1 L1f -2 L46 Na -2 P6 -1f L9 -2
L67 -2 L53 -4 L1 -e L11 -1 L3 -1 L4 -1 L17 -d N6 -a L34 P4 -a L32 -1a P2 Na -18 L6 P3 L1 P1 L2 -1 Na L1c -8 P2 L17
-18 P1 L1d -7 L2f -e Pd -1 L1 Na -4 P2 L5 -1 La Na L5 -1 L29 -17 L3 -1 L8 -4 Na -2 P4 L17 -3 L1 -3 L32 -1 L1 -3 L2
-2 L5 -2 L1 -1 L1 -18 L3 P2 Lb -5 P2 L3 -c L6 -2 L6 -2 L6 -9 L7 -1 L7 -1 L2b -1 Le -2 L2 -2 L73 -8 P1 -4 Na -6 L2ba4
-c L17 -4 L31 -2104 L16e -2 L6a -26 L7 -c L5 -5 L1 -1 La -1 Ld -1 L5 -1 L1 -1 L2 -1 L2 -1 L6c -21 L16b P2 -10 L40 -2
L36 -28 Lc -14 Pa -16 P23 -1 Pe -1 P1 -4 P1 -1 P2 -4 L5 -1 L87 -4 P3 -1 P6 -1 P4 Na P2 -3 P2 L1a P3 -1 P1 -1 L1a P1
-1 P1 -1 P7 L59 -3 L6 -2 L6 -2 L6 -2 L3 -23 Lc -1 L1a -1 L13 -1 L2 -1 Lf -2 Le -22 L7b -5 P3 -4 N2d -c N39 -11 N2
-f4 L1d -3 L31 -10 N1b -4 L20 N4 -9 L14 N1 L8 N1 -5 L26 -a L1e -1 P1 L24 -4 L8 P1 N5 -2a L9e -2 Na -6 L24 -4 L24 -4
L28 -8 L34 -b P1 Lb -1 Lf -1 L7 -1 L2 -1 Lb -1 Lf -1 L7 -1 L2 -3 L34 -c L137 -9 L16 -a L8 -18 L6 -1 L2a -1 Le -40 L6
-2 L1 -1 L2c -1 L2 -3 L1 -2 L17 -1 P1 N8 L17 -2 N7 L1f -8 N9 -30 L13 -1 L2 -5 N5 L16 N6 -3 P1 L1a -5 P1 L1a -26 L38
-4 N2 L2 N10 -2 N2e L1 -f L4 -1 L3 -1 L1d -a N9 -7 P9 -7 L1d N2 P1 L1d N3 -20 L8 -1 L1c -6 N5 P7 -9 L36 -3 P7 L16 -2
N8 L13 -5 N8 L12 -7 P4 -c N7 -50 L49 -37 L33 -d L33 -7 N6 L24 -c Na -6 Na L1c -8 P1 L17 -da N1f -1 L2a -3 P1 -2 L2
-10 L6 -8 P1 -8 L16 -11 L1d Na L1 -8 L16 -b N4 P5 -16 L12 -4 P4 -26 L15 N7 -14 L17 -c L35 -f P7 -4 N1e -1 L2 -2 L1
-d L2d -b P2 -1 P4 -e L19 -7 Na -9 L24 -f Na P4 L1 -2 L1 -8 L23 -1 P2 L1 -c L30 -e L4 P4 -4 P1 -2 Na L1 P1 L1 P3 -1
N14 -b L12 -1 L19 -c P6 -1 L2 -3f L7 -1 L1 -1 L4 -1 Lf -1 La P1 -6 L2f -11 Na -b L8 -2 L2 -2 L16 -1 L7 -1 L2 -1 L5
-3 L1 -12 L1 -c L5 -1e La -1 L1 -2 L1 -1 L26 -1 L1 -19 L1 -1 L1 P2 -1 P2 -27 L35 -12 L4 P5 Na P2 -1 P1 -1 L3 -1e L30
-14 L2 P1 L1 -8 Na -a6 L2f -12 P17 L4 -24 L30 -11 P3 L1 -b Na -6 Pd -13 L2b -d L1 P1 -6 Na -6 N14 -1c L1b -15 Nc P3
-1 L7 -b9 L2c -f P1 -64 L40 N13 -c L8 -2 L1 -2 L8 -1 L2 -1 L18 -f L1 -1 L1 -2 P3 -9 Na -46 L8 -2 L27 -10 L1 P1 L1
-1c L1 -a L28 -7 L1 -4 P8 -9 L1 -b L2e -10 P3 L1 P5 -d L49 -7 Pa L1 -b5 L21 P1 -e Na -6 L9 -1 L25 -11 L1 P5 -a N1d
-3 P2 L1e -70 L7 -1 L2 -1 L26 -15 L1 -9 Na -6 L6 -1 L2 -1 L20 -e L1 -7 Na -6 L2c -4 Na -7 L1 -ee L13 -4 P2 -9 L1 -1
Ld -1 L22 -f Pd Na -56 L1 -f N15 -2a P1 L39a -66 N70 P5 Nb Lc4 -c N137 -909 L61 P2 -d L430 -11 L6 -19 Lf9b -5 L247
-1ab9 L1e -12 Na -6c6 L239 -7 L1f -1 Na -4 P2 L4f -1 Na -6 L1e -7 P1 -a L30 -7 P5 -4 L4 P1 -b Na -1 N7 -1 L15 -5 L13
-1b0 L2d P3 Na -c6 L40 N17 P4 -5 L19 -2 L19 -2c L4b -5 L1 -42 Ld -40 L2 P1 L1 -e L2 N3 -9 L1cdb -24 L22 -5f L73 -d
L392 -e L33 -1e1d L4 -1 L7 -1 L2 -1 L129 -9 L1 -1d L3 -2 L1 -e L5 -7 L18c -904 L6b -5 Ld -3 L9 -7 La -5 P1 -1050 Na
-5c6 N14 -c N14 -6c N19 -87 L55 -1 L47 -1 L2 -2 L1 -2 L2 -2 L4 -1 Lc -1 L1 -1 L7 -1 L41 -1 L4 -2 L8 -1 L7 -1 L1c -1
L4 -1 L5 -1 L1 -3 L7 -1 L155 -1 L19 -1 L19 -1 L1f -1 L19 -1 L1f -1 L19 -1 L1f -1 L19 -1 L1f -1 L19 -1 L8 -2 N32 -287
P5 -474 L82 -e L7 -36 L33 -30 L3e -92 L2d -a L7 -2 Na -4 L1 -141 L1e -12 L2c -4 Na -1d6 L1c -4 Na -d6 L1e -2 L1 Na
-4 P1 -c0 L1f -1 L3 -1 L2 -1 L7 -2 L5 -9 L2 -e0 L7 -1 L4 -1 L2 -1 Lf -1 Lc5 -2 N9 -30 L44 -7 L1 -4 Na -4 P2 -311 N3b
-1 N3 -1 N4 -4c N2d -1 Nf -c2 L4 -1 L1b -1 L2 -1 L1 -2 L1 -1 La -1 L4 -1 L1 -1 L1 -6 L1 -4 L1 -1 L1 -1 L1 -1 L3 -1
L2 -1 L1 -2 L1 -1 L1 -1 L1 -1 L1 -1 L1 -1 L2 -1 L1 -2 L4 -1 L7 -1 L4 -1 L4 -1 L1 -1 La -1 L11 -5 L3 -1 L5 -1 L11
-244 Nd -ae3 Na -406 La6e0 -20 L111f -1 L168e -2 L1d31 -f L26e -9a2 L21e -5e2 L134b -5 L212a -9b86 L2c40 -d03c0
"""


def _starts() -> tuple[list[int], list[str]]:
    """Where each run starts, and its class."""
    starts, classes, at = [], [], 0x80
    for run in _RUNS.split():
        starts.append(at)
        classes.append(run[0])
        at += int(run[1:], 16)
    return starts, classes


_STARTS, _CLASSES = _starts()


def class_of(code: int) -> str:
    """code: a code point from 128 on -> "L" letter, "N" number, "P" punctuation, or "-"."""
    return _CLASSES[bisect_right(_STARTS, code) - 1]
