"""Tuning a model that was trained before by a few new parameters, one method per file.

    part.py          some of the model's own parameters: the head alone, the norms, the last blocks
    lora.py          a low-rank update of chosen matrices, which can be merged away
    adapter.py       small bottleneck networks after the sub-layers
    prefix.py        learned keys and values in front of every attention
    prompt.py        learned input vectors in front of the tokens
    features.py      the model as a fixed reader, with a new head

Each returns a `Part`: the new parameters, seen as a layer.  An optimiser that gets the part, AdamW(part), moves these
and nothing else; the loop trains the whole model as ever.  The backbone keeps its bits.
"""

from tfx.tuning.adapter import Adapter, Adapters, add_adapters
from tfx.tuning.features import OnFeatures
from tfx.tuning.lora import Lora, LoraWeight, add_lora
from tfx.tuning.part import Part
from tfx.tuning.prefix import PrefixedAttention, Prefixes, add_prefixes
from tfx.tuning.prompt import Prompt, PromptedStack, add_prompt

__all__ = [
    "Adapter",
    "Adapters",
    "Lora",
    "LoraWeight",
    "OnFeatures",
    "Part",
    "PrefixedAttention",
    "Prefixes",
    "Prompt",
    "PromptedStack",
    "add_adapters",
    "add_lora",
    "add_prefixes",
    "add_prompt",
]
