"""The renderer: repeatable, true to its captions, and its control maps drive the picture."""

import random
from collections import Counter
from dataclasses import replace

import pytest
import torch

from engine.visuals.canvas import Canvas
from engine.visuals.clips import Change, ClipSettings, draw_batch, draw_clips, mixed_families
from engine.visuals.leaves import draw_leaves
from engine.visuals.looks import NUM_PARAMETERS, Look, paint, random_look
from engine.worker.models.house.vocabulary import FAMILIES, MODIFIERS, WORDS

CPU = torch.device("cpu")
SMALL = Canvas.of(32, 32)
SETTINGS = ClipSettings(num_frames=12, canvas=SMALL)


def look(**changes) -> Look:
    plain = Look(
        family="plasma",
        colours=("red",),
        speed="medium",
        modifiers=(),
        parameters=(0.4,) * NUM_PARAMETERS,
        start_s=3.0,
    )
    return replace(plain, **changes)


def draw(looks, *, changes=None, kinds=None, settings=SETTINGS):
    none = [None] * len(looks)
    parameters = torch.linspace(0.1, 0.9, 12).expand(len(looks), -1)
    return draw_clips(looks, changes or none, kinds or none, parameters, settings)


def test_the_same_seed_draws_the_same_clips():
    first, again = (draw_batch(random.Random(7), 4, CPU, SETTINGS) for _ in range(2))
    assert torch.equal(first.frames, again.frames)
    assert torch.equal(first.control, again.control)


def test_another_seed_draws_other_clips():
    one, other = (draw_batch(random.Random(seed), 4, CPU, SETTINGS) for seed in (1, 2))
    assert not torch.equal(one.frames, other.frames)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_moves_inside_the_unit_range(family):
    frames = draw([look(family=family, speed="fast")]).frames
    assert 0 <= frames.min() < frames.max() <= 1
    assert frames.diff(dim=1).abs().mean() > 0.002


@pytest.mark.parametrize("modifier", MODIFIERS)
def test_every_modifier_changes_the_picture(modifier):
    plain, worn = (
        paint([look(family="cells", modifiers=m)], 4, CPU, SMALL).rgb() for m in ((), (modifier,))
    )
    assert (plain - worn).abs().mean() > 0.005


def test_captions_say_what_was_drawn():
    drawn = random_look(random.Random(3))
    words = {WORDS[i] for i in draw([drawn]).caption_from[0].tolist()}
    assert words - {WORDS[0]} == {drawn.family, drawn.speed, *drawn.colours, *drawn.modifiers}


@pytest.mark.parametrize(("colour", "channel"), [("red", 0), ("green", 1), ("blue", 2)])
def test_the_named_colour_dominates(colour, channel):
    assert draw([look(colours=(colour,))]).frames.mean((0, 1, 3, 4)).argmax() == channel


def test_fast_moves_more_than_slow():
    slow, fast = (draw([look(speed=s)]).frames.diff(dim=1).abs().mean() for s in ("slow", "fast"))
    assert fast > 2 * slow


def test_a_window_is_a_part_of_the_whole():
    whole = paint([look()], 2, CPU, Canvas.of(32, 32)).rgb()
    part = paint([look()], 2, CPU, Canvas(32, 16, 16, 8, 4)).rgb()
    assert torch.allclose(part, whole[..., 8:24, 4:20], atol=1e-5)


def test_without_control_the_map_is_empty():
    clip = draw([look()])
    assert clip.has_control.item() == 0
    assert clip.control.abs().sum() == 0


def test_a_change_of_caption_ends_in_the_new_look():
    target = look(colours=("blue",))
    change = Change(target, 1, 1, (0.1, 0.5, 0.9))
    settings = replace(SETTINGS, num_frames=36)
    clip = draw([look()], changes=[change], settings=settings)
    expected = draw([target], settings=settings).frames
    assert torch.equal(clip.frames[:, :12], draw([look()], settings=settings).frames[:, :12])
    assert torch.allclose(clip.frames[:, 24:], expected[:, 24:], atol=1e-6)
    assert clip.blend[0].tolist() == [0.0, 0.5, 1.0]


def test_leaves_repeat_by_seed_and_move():
    clips = [draw_leaves(1, 4, SMALL, torch.Generator().manual_seed(5)) for _ in range(2)]
    assert torch.equal(*clips)
    assert clips[0].diff(dim=1).abs().mean() > 1e-4


def test_three_looks_of_ten_wear_a_favoured_modifier_and_none_clashes():
    plain = [random_look(random.Random(seed)) for seed in range(600)]
    looks = [random_look(random.Random(seed), favoured=("neon",)) for seed in range(600)]
    before, now = (sum("neon" in look.modifiers for look in drawn) for drawn in (plain, looks))
    assert before < 80 < 170 < now < 280
    assert not any({"neon", "soft"} <= {*look.modifiers} for look in looks)
    assert all(len({*look.modifiers}) == len(look.modifiers) <= 3 for look in looks)


def test_half_of_a_batchs_families_are_favoured_ones_and_none_comes_twice():
    settings = ClipSettings(favoured=("cubes", "crystals", "hexagons"))
    rng, drawn = random.Random(1), Counter()
    for _ in range(300):
        families = mixed_families(rng, settings)
        assert len({*families}) == settings.num_families
        drawn.update(families)
    assert all(drawn[name] == 300 for name in settings.favoured)
    assert {*drawn} == {*FAMILIES}
    plain = [mixed_families(random.Random(4), ClipSettings()) for _ in range(2)]
    assert plain[0] == plain[1] == random.Random(4).sample(FAMILIES, 8)
