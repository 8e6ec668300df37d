"""tfx, Transformers explained: a NumPy reference library with hand-derived, proved gradients.

Importing this package imports nothing else, not even NumPy; `import tfx.ops.attention.scaled_dot_product` and so on
load what they need.
"""

__version__ = "0.1.0"

#: Tells this package apart from TensorFlow Extended, which owns the same import name.
__tfx_learn__ = True
