"""What changes each verdict of the claims about sizes and memory."""

from tests.lab.breaking import instead
from tfx.claims.parameters_and_memory import bytes_of_gpt3, largest_kept

PLACE = "tfx.claims.parameters_and_memory"

BREAKS = {
    "C134": {f"{PLACE}.StackSettings": lambda settings: lambda *sizes, shared, **more: settings(*sizes, **more)},
    "C135": {f"{PLACE}.bytes_of_gpt3": lambda original: lambda bytes_each, tokens=0: original(2, tokens)},
    "C136": {
        f"{PLACE}.Sizes": lambda sizes: lambda kind, layers, *rest, **more: sizes(kind, 2 * layers, *rest, **more)
    },
    "C139": {f"{PLACE}.PatchEmbedding": lambda patches: lambda size, *rest: patches(8, *rest)},
    "C144": {f"{PLACE}.largest_kept": instead(lambda n, width: n * width**2)},
}


def test_weights_of_gpt3_in_16_bits_are_just_below_350_gb():
    assert 349e9 < bytes_of_gpt3(2) < 350e9 < bytes_of_gpt3(2, 2048)


def test_long_texts_keep_weights_and_short_ones_hidden_units():
    assert largest_kept(64, 8) == 64 * 64 * 4 and largest_kept(4, 32) == 4 * 4 * 32
