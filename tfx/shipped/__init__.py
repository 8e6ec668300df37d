"""The small models in the wheel: made, loaded, scored."""
