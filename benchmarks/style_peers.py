"""The two classic methods of style transfer, written from their papers and descriptions, for `benchmarks/styles.py`. On any backbone.

`neural_style`: Gatys et al. 2016 as jcjohnson's neural-style and its successors run it: Gram matrices by mean squared error, the
content as the start, L-BFGS, 500 iterations at full size, total variation. `coarse_to_fine`: what crowsonkb's style-transfer-pytorch
describes: Wasserstein-2 of means and covariances, scales by sqrt 2 from 128 px, 1,000 iterations at the first and 500 at each
other, Adam at 0.02, the average of the iterates. Both style the whole picture, as their programs do.
"""

import math

import torch
import torch.nn.functional as F

from muslin.base.image import resize
from muslin.style.losses import Wasserstein, moments

TV = {"neural_style": 1e-3, "coarse_to_fine": 2.0}


def neural_style(content, style, net, iterations=500, content_weight=5.0, style_weight=100.0):
    """Gram, L-BFGS, one scale. (3, h, w) in [-1, 1] each; returns the picture."""

    def gram(x):
        x = x.flatten(2)
        return x @ x.transpose(1, 2) / x.shape[1] / x.shape[2]

    layers = (*net.content_layers, *net.style_layers)
    with torch.no_grad():
        kept, wanted = net(content[None], net.content_layers), {k: gram(x) for k, x in net(style[None], net.style_layers).items()}
    image = content[None].clone().requires_grad_(True)
    optimiser = torch.optim.LBFGS([image], max_iter=iterations, tolerance_grad=-1, tolerance_change=-1, history_size=10)

    def closure():
        optimiser.zero_grad()
        maps = net(image, layers)
        # the scripts divide each term's gradient by its size; dividing by the target's energy is the same at the start
        loss = content_weight * sum(F.mse_loss(maps[k], x) / x.square().mean() for k, x in kept.items())
        loss = loss + style_weight * sum(F.mse_loss(gram(maps[k]), g) / g.square().mean() for k, g in wanted.items()) / len(wanted)
        loss = loss + TV["neural_style"] * _variation(image)
        loss.backward()
        return loss

    optimiser.step(closure)
    return image.detach()[0].clamp(-1, 1)


def coarse_to_fine(content, style, net, first=1000, each=500, content_weight=0.015):
    """W2 of Gaussians, a pyramid, Adam, averaged. Returns the picture at the content's size."""
    _, height, width = content.shape
    sides, longest = [min(128, max(height, width))], max(height, width)
    while sides[-1] * math.sqrt(2) < longest * 0.999:
        sides.append(round(sides[-1] * math.sqrt(2)))
    sides = sides if sides[-1] == longest else [*sides[:-1], longest]
    weights = [256.0, 64.0, 16.0, 4.0, 1.0]  # of the style's layers, from the finest
    picture, state = None, None
    for number, side in enumerate(sides):
        share = side / longest
        here = resize(content, round(height * share), round(width * share))
        cloth = resize(style, max(32, round(style.shape[1] * share)), max(32, round(style.shape[2] * share)))
        picture = here if picture is None else resize(picture, *here.shape[1:])
        picture, state = _one_scale(picture, here, cloth, net, weights, content_weight, each if number else first, state)
    return picture


def _one_scale(start, content, style, net, weights, content_weight, steps, state):
    layers = (*net.content_layers, *net.style_layers)
    with torch.no_grad():
        kept = net(content[None], net.content_layers)
        # the square root of a covariance is costly; Muslin's own cheaper one serves here too, which flatters the peer's seconds
        wanted = {k: Wasserstein(moments(x), balance=True) for k, x in net(style[None], net.style_layers).items()}
    image = start[None].clone().requires_grad_(True)
    adam = torch.optim.Adam([image], lr=0.02, betas=(0.9, 0.99))
    if state is not None:
        grown = [F.interpolate(m, size=image.shape[2:], mode="bicubic", align_corners=False) for m in state]
        adam.state[image] = {"step": torch.tensor(1000.0), "exp_avg": grown[0], "exp_avg_sq": grown[1].relu()}
    average, seen = torch.zeros_like(start), 0.0
    for _ in range(steps):
        adam.zero_grad()
        maps = net(image, layers)
        loss = content_weight * sum(F.mse_loss(maps[k], x) / x.square().mean() for k, x in kept.items())
        for weight, layer in zip(weights, wanted, strict=False):
            loss = loss + weight / sum(weights) * wanted[layer](moments(maps[layer])).sum()
        loss = loss + TV["coarse_to_fine"] * 1e-3 * _variation(image)
        loss.backward()
        adam.step()
        with torch.no_grad():
            image.clamp_(-1, 1)
            average, seen = 0.99 * average + 0.01 * image[0], 0.99 * seen + 0.01
    return (average / seen).detach(), (adam.state[image]["exp_avg"], adam.state[image]["exp_avg_sq"])


def _variation(image):
    return (image[:, :, 1:] - image[:, :, :-1]).square().mean() + (image[:, :, :, 1:] - image[:, :, :, :-1]).square().mean()
