import torch


def vit_patches(images, patch, w, b=None, cls=None, positions=None):
    n, height, width, channels = images.shape
    squares = images.view(n, height // patch, patch, width // patch, patch, channels).permute(0, 1, 3, 2, 4, 5)
    tokens = squares.reshape(n, -1, patch * patch * channels) @ w
    if b is not None:
        tokens = tokens + b
    if cls is not None:
        tokens = torch.cat([cls.expand(n, 1, -1), tokens], dim=1)
    return tokens if positions is None else tokens + positions
