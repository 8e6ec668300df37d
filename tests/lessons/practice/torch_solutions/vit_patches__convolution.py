import torch
import torch.nn.functional as F


def vit_patches(images, patch, w, b=None, cls=None, positions=None):
    kernel = w.view(patch, patch, images.size(-1), -1).permute(3, 2, 0, 1).contiguous()
    tokens = F.conv2d(images.permute(0, 3, 1, 2), kernel, b, stride=patch).flatten(2).transpose(1, 2)
    if cls is not None:
        tokens = torch.cat([cls.repeat(len(images), 1, 1), tokens], 1)
    return tokens.contiguous() if positions is None else tokens + positions
