"""What changes each verdict of the section on what a layer costs."""

from tests.lab.breaking import instead

PLACE = "tfx.claims.layer_costs"


def counted(change):
    """Layers that take another number of multiply-adds: change(layer, n, d, what it takes)."""

    def make(original):
        return lambda layer, n, d=16: change(layer, n, d, original(layer, n, d))

    return {f"{PLACE}.multiply_adds": make}


def cubic(layer, n, d, taken):
    return taken * n


def growing(layer, n, d, taken):
    return 1.1**n


def free_maps(layer, n, d, taken):
    """Attention without the work of its maps."""
    return taken - 4 * n * d * d if layer == "attention" else taken


def dear_scores(layer, n, d, taken):
    return 50 * taken if layer == "scores and sum" else taken


def of_way(steps):
    return {f"{PLACE}.of_way": instead(lambda trial, experiment, way: steps)}


BREAKS = {
    "C145": counted(cubic),
    "C146": {f"{PLACE}.peak_bytes": lambda original: lambda call: 1.0},
    "C147": counted(growing),
    "C148": counted(dear_scores),
    "C149": {f"{PLACE}.of_block": lambda original: lambda n, m=0: original(n, m) + 1},
    "C150": {f"{PLACE}.of_block": lambda original: lambda n, m=0: original(8, m)},
    "C151": of_way([4, 8, 16]),
    "C152": of_way([4, 4, 4]),
    "C154": counted(free_maps),
    "C155": counted(dear_scores),
    "C156": of_way([4, 4, 4]),
    "C157": counted(dear_scores),
    "C159": {f"{PLACE}.kept_numbers": instead(lambda layer, x: 16)},
    "C160": {f"{PLACE}.kept_numbers": instead(lambda layer, x: 16)},
    "C161": {f"{PLACE}.core_over_rest": instead(lambda n, d: 0.01)},
    "C162": {f"{PLACE}.core_over_rest": instead(lambda n, d: 0.01)},
}
