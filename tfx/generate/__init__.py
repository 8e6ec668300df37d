"""Writing: from what a model expects next to a text.

greedy, sample, beam_search, speculative_sample     four ways to choose
Shaping                                             temperature, top-k, top-p, penalties
Stopping                                            when a text is finished
reader_of, translation_of                           what all of them ask of a model (reader.py)
"""

from __future__ import annotations

from tfx.generate.beam import Hypothesis, beam_search
from tfx.generate.choose_reader import reader_of, translation_of
from tfx.generate.draws import Draws, exact_distribution
from tfx.generate.greedy import greedy, greedy_seq2seq
from tfx.generate.reader import Reader, WholePass
from tfx.generate.sampling import sample
from tfx.generate.shaping import Shaping
from tfx.generate.speculative import Speculation, speculative_sample
from tfx.generate.stopping import Stopping
from tfx.generate.writing import Written

__all__ = [
    "Draws",
    "Hypothesis",
    "Reader",
    "Shaping",
    "Speculation",
    "Stopping",
    "WholePass",
    "Written",
    "beam_search",
    "exact_distribution",
    "greedy",
    "greedy_seq2seq",
    "reader_of",
    "sample",
    "speculative_sample",
    "translation_of",
]
