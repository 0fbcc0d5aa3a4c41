"""The finishing net as Keras layers, put after the generator's own by `keras_model`."""

from typing import Any

import torch
from torch import Tensor

from muslin.gan.finish import Finish, Twice
from muslin.gan.layers import Conv


class KerasFinish:
    """Builds on what `keras_model._Atelier` builds with: its `conv`, `row` and `weights`."""

    def __init__(self, at: Any, network: Finish) -> None:
        self.at, self.layers, self.network = at, at.layers, network

    def finished(self, picture: Any) -> Any:
        """The picture (b, s, s, 3) in [-1, 1] at twice its size, about [-1, 1]."""
        network, join = self.network, self.layers.Concatenate
        skips = list[Any]()
        x = self._active("finish_first", self._conv("finish_first", picture, network.first))
        for i, (keep, down) in enumerate(zip(network.keeps, network.downs, strict=True)):
            skips.append(self._active(f"finish_keep_{i}", self._conv(f"finish_keep_{i}", x, keep)))
            x = self.layers.AveragePooling2D(2, name=f"finish_down_{i}_half")(skips[-1])
            x = self._active(f"finish_down_{i}", self._conv(f"finish_down_{i}", x, down))
        for i, layer in enumerate(network.middle):
            way = self._active(f"finish_middle_{i}", self._conv(f"finish_middle_{i}", x, layer))
            x = self.layers.Add(name=f"finish_middle_{i}_sum")([x, self.layers.Rescaling(0.5, name=f"finish_middle_{i}_share")(way)])
        for i, up in enumerate(network.ups):
            x = join(name=f"finish_up_{i}_joined")([self._enlarged(f"finish_up_{i}", x), skips.pop()])
            x = self._twice(f"finish_up_{i}", x, up)
        x = self._twice("finish_large", self._enlarged("finish_large", x), network.large)
        return self.layers.Add(name="finished")([self._enlarged("finish_picture", picture), self._conv("finish_picture", x, network.rgb)])

    def _twice(self, name: str, x: Any, net: Any) -> Any:
        assert isinstance(net, Twice)
        x = self._active(f"{name}_one", self._conv(f"{name}_one", x, net.one))
        return self._active(f"{name}_two", self._conv(f"{name}_two", x, net.two))

    def _conv(self, name: str, x: Any, layer: Any) -> Any:
        assert isinstance(layer, Conv)
        bias: Tensor | None = None if layer.bias is None else torch.as_tensor(layer.bias * layer.scale)
        return self.at.conv(name, x, layer.weight * layer.gain, bias)

    def _active(self, name: str, x: Any) -> Any:
        return self.layers.LeakyReLU(negative_slope=0.2, name=f"{name}_leaky")(x)

    def _enlarged(self, name: str, x: Any) -> Any:
        return self.layers.UpSampling2D(2, interpolation="bilinear", name=f"{name}_twice")(x)
