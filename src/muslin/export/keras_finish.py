"""The finishing net as Keras layers, put after the generator's own by `keras_model`. The noise it invents cloth from goes along as weights."""

from typing import Any

import torch
from torch import Tensor

from muslin.gan import finish as ours
from muslin.gan.finish import Finish, Twice
from muslin.gan.layers import Conv


class KerasFinish:
    """Builds on what `keras_model._Atelier` builds with: its `conv`, `row` and `weights`."""

    def __init__(self, at: Any, network: Finish) -> None:
        self.at, self.layers, self.ops, self.network = at, at.layers, at.keras.ops, network

    def finished(self, picture: Any, label: Any, calm: float) -> Any:
        """The picture (b, s, s, 3) in [-1, 1] at twice its size, about [-1, 1]; `calm`: as `AtelierNet.finish_calm`."""
        network, join = self.network, self.layers.Concatenate
        small = self.cleaned(picture)
        grains, skips = self.grains(label), list[Any]()
        x = self._active(
            "finish_first", self.layers.Add(name="finish_first_noise")([self._conv("finish_first", small, network.first), grains[0]])
        )
        for i, (keep, down) in enumerate(zip(network.keeps, network.downs, strict=True)):
            skips.append(self._active(f"finish_keep_{i}", self._conv(f"finish_keep_{i}", x, keep)))
            x = self.layers.AveragePooling2D(2, name=f"finish_down_{i}_half")(skips[-1])
            x = self._active(f"finish_down_{i}", self._conv(f"finish_down_{i}", x, down))
        for i, layer in enumerate(network.middle):
            way = self._active(f"finish_middle_{i}", self._conv(f"finish_middle_{i}", x, layer))
            x = self.layers.Add(name=f"finish_middle_{i}_sum")([x, self.layers.Rescaling(0.5, name=f"finish_middle_{i}_share")(way)])
        for i, up in enumerate(network.ups):
            x = join(name=f"finish_up_{i}_joined")([self._enlarged(f"finish_up_{i}", x), skips.pop()])
            x = self._twice(f"finish_up_{i}", x, up, grains[1] if 2 * int(x.shape[1]) == network.side else None)
        x = self._twice("finish_large", self._enlarged("finish_large", x), network.large, grains[2])
        made = self.layers.Add(name="finished")([self._enlarged("finish_picture", small), self._conv("finish_picture", x, network.rgb)])
        return self.calmed(made, self._enlarged("draft_enlarged", picture), calm) if calm else made

    def cleaned(self, picture: Any) -> Any:
        """As `gan.finish.cleaned`."""
        solid = self.solid_of(picture)
        within = -self.widest("finish_within", -solid, ours.RIM)
        weight = within + solid * ours.THIN + 1e-4
        inside = self.soft("finish_inside", picture * weight, ours.CLEAN) / self.soft("finish_weight", weight, ours.CLEAN)
        return solid * inside + (1.0 - solid) * picture

    def calmed(self, finished: Any, draft: Any, sigma: float) -> Any:
        """As `gan.finish.calmed`."""
        finished = self.ops.clip(finished, -1.0, 1.0)
        whole = -self.widest("calm_closed", -self.widest("calm_wide", self.solid_of(finished), ours.HOLE), ours.HOLE)
        within = self.soft("calm_blend", -self.widest("calm_within", -whole, ours.EDGE), ours.BLEND)
        added = finished - draft
        return draft + within * self.soft("calm_added", added, sigma) + (1.0 - within) * added

    def solid_of(self, picture: Any) -> Any:
        """As `gan.finish.solid_of`."""
        ops = self.ops
        edges = (picture[:, 0], picture[:, -1], picture[:, :, 0], picture[:, :, -1])
        ground = ops.mean(ops.concatenate(edges, axis=1), axis=1)[:, None, None, :]
        apart = ops.max(ops.absolute(picture - ground), axis=3, keepdims=True)
        least, most = ours.GARMENT
        return ops.clip((apart - least) / (most - least), 0.0, 1.0)

    def widest(self, name: str, x: Any, reach: int) -> Any:
        """The largest value within `reach` px; beyond the border there is none."""
        return self.layers.MaxPooling2D(2 * reach + 1, strides=1, padding="same", name=name)(x)

    def soft(self, name: str, x: Any, sigma: float) -> Any:
        """A Gaussian of `sigma` px: two depthwise convolutions of the edge-reflected picture."""
        weights = ours.bell(sigma)
        reach, channels = len(weights) // 2, int(x.shape[3])
        x = self.ops.pad(x, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="reflect")
        for axis, shape in (("across", (1, -1, 1, 1)), ("down", (-1, 1, 1, 1))):
            kernel = weights.view(shape).expand(-1, -1, channels, 1)
            self.at.weights[f"{name}_{axis}"] = [kernel]
            x = self.layers.DepthwiseConv2D(tuple(kernel.shape[:2]), use_bias=False, name=f"{name}_{axis}")(x)
        return x

    def grains(self, label: Any) -> list[Any]:
        """The noise, each map through its own convolution; kept as a table of one row, which any label reads."""
        first, found = self.ops.zeros_like(label), list[Any]()
        for number, layer in enumerate(self.network.grains):
            noise = self.network.get_buffer(f"noise{number}")
            flat = self.at.row(f"finish_noise_{number}", first, noise.flatten()[None])
            square = self.layers.Reshape((*noise.shape[2:], 1), name=f"finish_noise_{number}_map")(flat)
            found.append(self._conv(f"finish_grain_{number}", square, layer))
        return found

    def _twice(self, name: str, x: Any, net: Any, grain: Any | None) -> Any:
        assert isinstance(net, Twice)
        x = self._conv(f"{name}_one", x, net.one)
        x = x if grain is None else self.layers.Add(name=f"{name}_noise")([x, grain])
        return self._active(f"{name}_two", self._conv(f"{name}_two", self._active(f"{name}_one", x), net.two))

    def _conv(self, name: str, x: Any, layer: Any) -> Any:
        assert isinstance(layer, Conv)
        bias: Tensor | None = None if layer.bias is None else torch.as_tensor(layer.bias * layer.scale)
        return self.at.conv(name, x, layer.weight * layer.gain, bias)

    def _active(self, name: str, x: Any) -> Any:
        return self.layers.LeakyReLU(negative_slope=0.2, name=f"{name}_leaky")(x)

    def _enlarged(self, name: str, x: Any) -> Any:
        return self.layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_twice")(x)
