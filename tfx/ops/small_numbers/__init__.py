"""Numbers in few bits: quantisation, binary weights, pruning."""
