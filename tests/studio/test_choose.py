"""Choosing the few drafts worth dressing."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from muslin.base.seeds import seeded
from muslin.gan.generators import load_generator
from muslin.studio import choose as choosing
from muslin.studio.choose import Determinant, Pool, choose, features, fits, in_turns, known_garments, novelty, realism
from muslin.studio.cook import as_picture
from muslin.studio.pipeline import look_at


def _points(count, seed=0, near=0.3, sort="points"):
    """Unit vectors around a common direction, as features of garments are."""
    return F.normalize(torch.ones(16) + near * 4 * torch.randn(count, 16, generator=seeded(seed, sort)), dim=1)


def _pool(points, kinds=None, usable=None, bent=None):
    n = len(points)
    usable = torch.ones(n, dtype=torch.bool) if usable is None else usable
    return Pool(points, kinds or [""] * n, usable, torch.zeros(n) if bent is None else bent)


@pytest.fixture(scope="module")
def drafts():
    generator = load_generator("garments-64")
    names = ["dress", "pants", "t-shirt"]
    labels = [generator.label(names[n % 3]) for n in range(36)]
    return [as_picture(d) for d in generator.draw_many(range(36), labels, 0.7)], [names[n % 3] for n in range(36)]


def test_the_same_pool_gives_the_same_choice():
    pool = _pool(_points(60), ["a", "b"] * 30, bent=torch.rand(60, generator=seeded(0, "bent")))
    known = _points(20, 1)
    assert choose(pool, 12, known).places.tolist() == choose(pool, 12, known).places.tolist()


@pytest.mark.parametrize("with_known", [False, True])
def test_the_order_of_the_pool_does_not_matter(with_known):
    points, kinds, bent = _points(90), ["a", "b", "c"] * 30, torch.rand(90, generator=seeded(0, "bent"))
    known = _points(20, 1) if with_known else None
    order = torch.randperm(90, generator=seeded(0, "order"))
    mixed = Pool(points[order], [kinds[i] for i in order], torch.ones(90, dtype=torch.bool), bent[order])
    assert order[choose(mixed, 12, known).places].tolist() == choose(_pool(points, kinds, bent=bent), 12, known).places.tolist()


def test_a_twin_is_taken_only_when_nothing_else_is_left():
    apart = _points(10)
    points = torch.cat([apart, apart[:4], apart[:4]])
    bent = torch.linspace(0.5, 0, 18)  # the twins are the straighter ones, too
    chosen = choose(_pool(points, bent=bent), 10).places
    assert len(points[chosen].unique(dim=0)) == 10
    assert len(choose(_pool(points), 18).places.unique()) == 18


def test_noise_is_not_chosen(drafts):
    pictures, kinds = drafts
    noise = torch.rand(3, 64, 64, generator=seeded(0, "noise")) * 2 - 1
    noise = F.pad(noise[:, 16:48, 16:48], (16, 16, 16, 16), value=1.0)  # on a plain ground, so that it is usable
    pool = look_at([*pictures, noise], [*kinds, "dress"])
    assert pool.usable[-1]
    for known in (None, known_garments(64)):
        assert 36 not in choose(pool, 12, known).places.tolist()
        assert realism(pool, known)[-1] == 0


def test_kinds_get_even_shares_and_what_one_lacks_goes_to_the_others():
    kinds = ["a"] * 8 + ["b"] * 3 + ["c"]
    chosen = [kinds[i] for i in choose(_pool(_points(12), kinds), 6).places.tolist()]
    assert sorted(chosen[:3]) == ["a", "b", "c"]
    assert chosen.count("c") == 1
    assert {chosen.count("a"), chosen.count("b")} == {2, 3}
    assert len(choose(_pool(_points(12), kinds), 12).places.unique()) == 12


def test_fewer_usable_than_wanted_are_all_there_is():
    usable = torch.zeros(9, dtype=torch.bool)
    assert choose(_pool(_points(9), usable=usable), 4, _points(5, 1)).places.tolist() == []
    usable[[2, 7]] = True
    assert sorted(choose(_pool(_points(9), usable=usable), 4, _points(5, 1)).places.tolist()) == [2, 7]
    usable[2] = False
    assert choose(_pool(_points(9), usable=usable), 4).places.tolist() == [7]


def test_the_greedy_gains_are_the_determinants():
    points, quality = _points(12).double(), torch.rand(12, generator=seeded(0, "q"), dtype=torch.float64) + 0.5
    alike = (-torch.cdist(points, points).square() / (2 * choosing.WIDTH**2)).exp()
    kernel, rule, chosen = quality[:, None] * alike * quality, Determinant(points, quality), list[int]()
    for _ in range(5):
        least = torch.logdet(kernel[chosen][:, chosen]) if chosen else torch.tensor(0.0)
        for place in set(range(12)) - set(chosen):
            grown = [*chosen, place]
            assert float(rule.gains[place]) == pytest.approx(float(torch.logdet(kernel[grown][:, grown]) - least), abs=1e-6)
        chosen.append(int(in_turns(rule, torch.tensor([n not in chosen for n in range(12)]), [""] * 12, 1)))


def test_the_chosen_are_spread_out():
    groups = _points(4, near=0.6)
    points = F.normalize(groups.repeat(10, 1) + 0.02 * torch.randn(40, 16, generator=seeded(0, "spread")), dim=1)
    assert {place % 4 for place in choose(_pool(points), 4).places.tolist()} == {0, 1, 2, 3}


def test_a_copy_of_a_known_garment_is_set_aside():
    known = _points(30, 1)
    points = torch.cat([_points(20), known[:2]])
    found = choose(_pool(points), 10, known)
    assert found.compared
    assert found.copies == 2
    assert not {20, 21} & set(found.places.tolist())
    assert novelty(known, known).max() == 0


def test_known_garments_are_not_asked_about_other_things():
    assert fits(_points(20), _points(30, 1))
    other = F.normalize(-torch.ones(16) + torch.randn(20, 16, generator=seeded(0, "other")), dim=1)
    assert not fits(other, _points(30, 1))
    assert not choose(_pool(other), 5, _points(30, 1)).compared
    assert not fits(_points(20)[:0], _points(30, 1))


def test_the_lopsided_half_of_a_kind_is_set_aside():
    bent = torch.linspace(0.1, 0.4, 20)
    found = choose(_pool(_points(20), bent=bent), 8)
    assert found.lopsided == 10
    assert max(found.places.tolist()) < 10


def test_lumps_are_set_aside_where_known_garments_say_what_one_is():
    points, known = _points(20), _points(20, 1)
    pool = replace(_pool(points, bent=torch.linspace(0.1, 0.4, 20)), lump=torch.arange(20) < 12)
    found = choose(pool, 6, known)
    assert (found.lumps, found.lopsided) == (12, 4)  # the lopsided half is of what is left
    assert set(found.places[:4].tolist()) == {12, 13, 14, 15}
    assert len(found.places) == 6, "what is set aside is still better than nothing"
    assert choose(pool, 6).lumps == 0


def test_coats_with_sleeves_are_chosen():
    generator = load_generator("garments-128")
    label = generator.label("outwear")
    pool = look_at([as_picture(draft) for draft in generator.draw_many(range(40), [label] * 40, 0.8)], ["outwear"] * 40)
    assert pool.lump is not None and 10 <= int(pool.lump.sum()) <= 30
    found = choose(pool, 5, known_garments(128))
    assert found.compared
    assert not pool.lump[found.places].any()
    assert choose(replace(pool, lump=None), 5, known_garments(128)).places.tolist() != found.places.tolist()


def test_features_do_not_depend_on_company(drafts):
    pictures, _ = drafts
    together = features(pictures)
    assert torch.equal(features(pictures[5:6])[0], together[5])
    assert torch.equal(features(pictures[20:36] + pictures[:3])[16:], together[:3])
    assert torch.allclose(together.norm(dim=1), torch.ones(36))


def test_pictures_of_several_sizes_keep_their_features(drafts):
    pictures, _ = drafts
    mixed = [pictures[0], pictures[1][:, 8:56, 8:56], pictures[2]]
    assert torch.equal(features(mixed)[[0, 2]], features([pictures[0], pictures[2]]))
