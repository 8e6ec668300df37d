"""What changes each verdict on decoding."""

import numpy as np

from tests.lab.breaking import instead
from tfx.claims import Trial
from tfx.claims.decoding import PUSHED_OUT, counting
from tfx.generate import greedy
from tfx.lab.generation.greedy_vs_beam import log_p_of_beam
from tfx.lab.generation.random_trees import all_log_probabilities

PLACE = "tfx.claims.decoding"
ENTROPY = "tfx.lab.generation.sampling_entropy"
BEAM = "tfx.lab.generation.greedy_vs_beam.beam_search"

BREAKS = {
    "C270": {f"{ENTROPY}.temperature": lambda original: lambda logits, t: original(logits, 1 / t)},
    "C271": {f"{PLACE}.log_p_of_beam": instead(lambda tree, width: 0.0)},
    "C272": {f"{ENTROPY}.top_k": lambda original: lambda logits, k: original(logits, 900)},
    "C274": {"tfx.lab.generation.non_autoregressive.all_at_once": instead(lambda answers, steps, seed: (0.5, 0.7))},
    "C275": {f"{PLACE}.greedy": instead(lambda reader, prompt, n: np.zeros(n, dtype=int))},
    "C276": {
        f"{PLACE}.exposure": lambda original: (
            lambda *given: (lambda found: found._replace(free_running=found.teacher_forced))(original(*given))
        )
    },
    "C277": {f"{PLACE}.greedy": lambda original: lambda reader, prompt, n: original(reader, prompt, n // 2)},
}


def test_the_beam_of_two_loses_what_greedy_decoding_finds():
    everything = np.exp(all_log_probabilities(PUSHED_OUT))
    assert np.isclose(everything.sum(), 1)
    greedy_p, beam_p = (np.exp(log_p_of_beam(PUSHED_OUT, width)) for width in (1, 2))
    assert np.isclose(greedy_p, 0.4 * 0.34 * 0.98) and np.isclose(greedy_p, everything.max())
    assert np.isclose(beam_p, 0.35 * 0.499 / 3)


def test_a_reader_counts_how_often_it_is_asked():
    reader = counting(Trial(0))
    greedy(reader, [1, 2, 3], 5)
    assert reader.passes == 5
