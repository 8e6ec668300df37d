"""One text through one trained model, forward and all the way back, with everything that was computed on the way.

    listening.py    a copy of a model whose layers note what they read and gave, both ways
    heads.py        the same for the heads of an attention; one of them may get another scale or mask
    whole.py        the whole model: from ids to the loss, and from there every gradient back to the table
    head.py         one head of one layer of it
    words.py        pieces of words put together again: whose share is whose

Nothing is recomputed for show.  The copy shares its parameters with the model, so that gradients arrive there, and the
model itself is not touched.
"""

from tfx.trace.head import AttentionCase, attention_case
from tfx.trace.whole import BlockRun, WholeRun, run_whole

__all__ = ["AttentionCase", "BlockRun", "WholeRun", "attention_case", "run_whole"]
