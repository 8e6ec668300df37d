"""Whole models, each readable from top to bottom in its own file.

A model is imported when its name is first used: all of them together take twice as long to import as NumPy does.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tfx.models.bert import Bert
    from tfx.models.convolution_decoder import ConvolutionDecoder
    from tfx.models.decoder import DecoderOnly
    from tfx.models.deep_supervision import DeepSupervision
    from tfx.models.encoder import Encoder
    from tfx.models.gpt import GPT
    from tfx.models.language import LanguageModel
    from tfx.models.model import Model
    from tfx.models.non_autoregressive import NonAutoregressive
    from tfx.models.pronoun import PronounModel
    from tfx.models.pyramid_vision_transformer import PyramidVisionTransformer
    from tfx.models.recurrent_language import RecurrentLanguageModel
    from tfx.models.recurrent_seq2seq import RecurrentSeq2Seq
    from tfx.models.retrieval_reader import RetrievalReader
    from tfx.models.seq2seq import EncoderDecoder
    from tfx.models.swin_transformer import SwinTransformer
    from tfx.models.t5 import T5
    from tfx.models.transformer_xl import TransformerXL
    from tfx.models.vision_transformer import VisionTransformer
    from tfx.models.word_vectors import GloVe, SkipGram

__all__ = [
    "GPT",
    "MODELS",
    "T5",
    "Bert",
    "ConvolutionDecoder",
    "DecoderOnly",
    "DeepSupervision",
    "Encoder",
    "EncoderDecoder",
    "GloVe",
    "LanguageModel",
    "Model",
    "NonAutoregressive",
    "PronounModel",
    "PyramidVisionTransformer",
    "RecurrentLanguageModel",
    "RecurrentSeq2Seq",
    "RetrievalReader",
    "SkipGram",
    "SwinTransformer",
    "TransformerXL",
    "VisionTransformer",
    "build",
]

#: Name -> the module of this package that defines it.
HOMES = {
    "Bert": "bert",
    "ConvolutionDecoder": "convolution_decoder",
    "DecoderOnly": "decoder",
    "DeepSupervision": "deep_supervision",
    "Encoder": "encoder",
    "GPT": "gpt",
    "LanguageModel": "language",
    "Model": "model",
    "NonAutoregressive": "non_autoregressive",
    "PronounModel": "pronoun",
    "PyramidVisionTransformer": "pyramid_vision_transformer",
    "RecurrentLanguageModel": "recurrent_language",
    "RecurrentSeq2Seq": "recurrent_seq2seq",
    "RetrievalReader": "retrieval_reader",
    "EncoderDecoder": "seq2seq",
    "SwinTransformer": "swin_transformer",
    "T5": "t5",
    "TransformerXL": "transformer_xl",
    "VisionTransformer": "vision_transformer",
    "GloVe": "word_vectors",
    "SkipGram": "word_vectors",
}

#: The models that `build` knows.
MODELS = (
    "Encoder",
    "DecoderOnly",
    "EncoderDecoder",
    "GPT",
    "T5",
    "LanguageModel",
    "PronounModel",
    "Bert",
    "VisionTransformer",
    "RecurrentLanguageModel",
    "RecurrentSeq2Seq",
    "ConvolutionDecoder",
    "NonAutoregressive",
    "RetrievalReader",
    "TransformerXL",
    "SwinTransformer",
    "PyramidVisionTransformer",
)


def __getattr__(name: str) -> Any:
    """The model of that name.  Raises AttributeError for another name."""
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(f"{__name__}.{HOMES[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def build(config: dict[str, Any]) -> Model:
    """The model that `config` (a model's own `.config`) describes, with fresh weights from its seed.

    Raises ValueError when no model has that name, TypeError for a setting that it does not have.
    """
    settings = dict(config)
    name = settings.pop("model", None)
    if name not in MODELS:
        raise ValueError(f"no model is called {name!r}; there are {', '.join(MODELS)}")
    model: Model = __getattr__(name)(**settings)
    return model
