"""A large matrix as the product of two thin ones."""
