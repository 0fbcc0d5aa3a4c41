"""The descent of the style engine, on losses small enough to follow."""

import weakref
from itertools import pairwise

import pytest
import torch

from muslin.base.errors import SettingError
from muslin.features.embedded import embedded
from muslin.style import optimise
from muslin.style.configs import StyleConfig
from muslin.style.objective import Objective, Problem, as_it_is


class Cliff(Objective):
    """A loss whose slope hardly changes until it turns over: a quasi-Newton step from far away lands beyond it."""

    def __init__(self, broken: bool = False) -> None:
        self.seen, self.broken = list[float](), broken

    def backward(self, image):
        loss = ((image - 0.6) ** 2 + 1e-3).sqrt().mean() * (float("nan") if self.broken else 1.0)
        loss.backward()
        self.seen.append(loss.item())
        return {"total": loss.item()}


def _descend(cliff, **values):
    config = StyleConfig(**values)
    start = torch.full((3, 32, 32), 0.9)
    return [(losses["total"], image) for losses, image, _ in optimise._Scale(cliff, config, finest=True).run(start, None, 12)]


def test_a_step_that_goes_too_far_is_taken_back():
    cliff = Cliff()
    shown = [loss for loss, _ in _descend(cliff)]
    assert max(later / before for before, later in pairwise(cliff.seen)) > 2  # it did go too far
    assert all(later <= 1.02 * before for before, later in pairwise(shown))
    assert shown[-1] < 0.2 * shown[0]


def test_the_picture_shown_is_the_one_that_the_loss_is_of():
    for loss, image in _descend(Cliff()):
        assert float(((image - 0.6) ** 2 + 1e-3).sqrt().mean()) == pytest.approx(loss, rel=1e-5)


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_a_loss_that_is_no_number_is_told(optimiser):
    with pytest.raises(SettingError, match="lower --beta"):
        _descend(Cliff(broken=True), optimiser=optimiser)


def test_a_cloth_that_lies_already_is_not_made_small():
    """From the draft or the laid cloth the descent begins at half the size, at about 256 px at least; from the bare garment, or noise, at 128 px."""
    for start, sides in (("fast", [256, 512]), ("overlay", [256, 512]), ("content", [128, 256, 512]), ("noise", [128, 256, 512])):
        assert [rows for rows, _, _ in optimise.scales(StyleConfig(start=start), 512, 400)] == sides
    for size, sides in ((256, [256]), (340, [340]), (400, [200, 400])):
        assert [rows for rows, _, _ in optimise.scales(StyleConfig(), size, size)] == sides
    assert len(optimise.scales(StyleConfig(start="overlay", where="all"), 512, 512)) == 3
    assert [rows for rows, _, _ in optimise.scales(StyleConfig(coarsest=64), 256, 256)] == [64, 128, 256]


def test_pictures_that_are_not_needed_any_more_are_let_go():
    """At print size each copy counts: from the first step at full size on neither the start nor the content is held."""
    start, content, beyond = (torch.rand(3, 64, 48, generator=torch.manual_seed(seed)) for seed in (1, 2, 3))
    problem = Problem(start, content, [as_it_is(torch.rand(3, 64, 64))], torch.ones(1, 64, 48), beyond)
    held = [weakref.ref(picture) for picture in (start, content)]
    steps = optimise.optimise(problem, embedded(), StyleConfig(steps=5, coarsest=32))
    del start, content, problem
    for progress, _ in steps:
        if progress.side == 64:
            break
    assert progress.side == 64 and not any(picture() is not None for picture in held)


def test_where_the_last_step_would_lead_is_not_looked_for(monkeypatch):
    cliff, step, looks = Cliff(), torch.optim.LBFGS.step, list[int]()
    monkeypatch.setattr(torch.optim.LBFGS, "step", lambda self, closure: (looks.append(len(cliff.seen)), step(self, closure))[1])
    assert len(_descend(cliff)) == 12 == len(cliff.seen)
    assert looks[-1] < 12
