"""Control maps: every kind moves, the light follows it, and changes follow their blend."""

import random
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (the customary name)
from hypothesis import given, settings, strategies

from engine.visuals.canvas import Canvas
from engine.visuals.clips import Change, ClipSettings, control_latents, draw_batch, draw_clips
from engine.visuals.controls import CONTROL_KINDS, NUM_PARAMETERS, draw_controls
from engine.visuals.looks import random_look
from engine.visuals.reaction import OUTSIDE_LIGHT
from engine.visuals.spread import spread_ranks, spread_share

CPU = torch.device("cpu")
SQUARE = ClipSettings(num_frames=24, canvas=Canvas.of(64, 64))
WIDE = ClipSettings(num_frames=12, canvas=Canvas.of(160, 88))
MOVING = [kind for kind in CONTROL_KINDS if kind != "nobody"]
NUM_CLIPS = 12


def looks_and_parameters(count, seed=5):
    rng = random.Random(seed)
    looks = [random_look(rng) for _ in range(count)]
    return looks, torch.tensor([[rng.random() for _ in range(NUM_PARAMETERS)] for _ in looks])


def controlled(kind, clip_settings=SQUARE, count=NUM_CLIPS):
    looks, p = looks_and_parameters(count)
    return draw_clips(looks, [None] * count, [kind] * count, p, clip_settings)


def maps_of(kind, p, canvas=SQUARE.canvas, num_frames=24):
    u, v = replace(canvas, stride=2).axes(CPU)
    seconds = torch.arange(num_frames).view(1, -1, 1, 1) / 16
    return draw_controls((u, v, seconds), [kind] * len(p), p)


def follows(clips):
    """Return the correlation [B] of brightness and map over all cells and frames of each clip."""
    bright, grey = F.avg_pool2d(clips.frames.amax(2), 8), clips.control.flatten(1, 2)
    return torch.stack([torch.corrcoef(torch.stack([a.flatten(), b.flatten()]))[0, 1]
                        for a, b in zip(bright, grey, strict=True)])  # fmt: skip


@pytest.fixture(scope="module")
def ceilings():
    return {kind: follows(controlled(kind)) for kind in MOVING}


@pytest.mark.parametrize("kind", MOVING)
def test_a_map_moves_inside_the_unit_range_and_differs_by_its_parameters(kind):
    maps = maps_of(kind, torch.rand(4, NUM_PARAMETERS, generator=torch.Generator().manual_seed(2)))
    assert 0 <= maps.min() < maps.max() <= 1
    assert (maps.diff(dim=1).abs().mean((1, 2, 3)) > 5e-4).all()
    assert (maps[0] - maps[1]).abs().mean() > 0.02


def test_no_two_kinds_draw_the_same():
    maps = [maps_of(kind, looks_and_parameters(2)[1]) for kind in CONTROL_KINDS]
    for i, one in enumerate(maps):
        assert all((one - other).abs().mean() > 0.01 for other in maps[:i])


def test_the_shares_of_the_kinds_add_up_to_one():
    assert sum(share for share, _ in CONTROL_KINDS.values()) == pytest.approx(1)


@pytest.mark.parametrize("kind", MOVING)
def test_the_light_of_the_picture_follows_every_kind_of_map(kind, ceilings):
    assert ceilings[kind].mean() >= 0.9


def test_the_light_of_the_picture_follows_the_maps_closely(ceilings):
    assert torch.cat(list(ceilings.values())).mean() >= 0.95


def test_the_picture_outside_a_map_keeps_moving():
    looks, p = looks_and_parameters(NUM_CLIPS)
    none = [None] * NUM_CLIPS
    free = draw_clips(looks, none, none, p, SQUARE)
    nobody = draw_clips(looks, none, ["nobody"] * NUM_CLIPS, p, SQUARE)
    motion = [clips.frames.diff(dim=1).abs().mean() for clips in (free, nobody)]
    assert nobody.has_control.all()
    assert 0.8 * OUTSIDE_LIGHT < motion[1] / motion[0] <= 1.2 * OUTSIDE_LIGHT


def test_the_picture_inside_a_map_is_bright_and_has_texture():
    clips, p = controlled("filled"), looks_and_parameters(NUM_CLIPS)[1]
    maps = F.interpolate(maps_of("filled", p), size=(64, 64), mode="bilinear")
    colours = clips.frames.movedim(2, -1)[maps > 0.999]
    assert colours.amax(-1).min() >= 0.7
    assert clips.frames[0].std((-2, -1)).mean() > 0.02


def test_the_same_seed_draws_the_same_maps():
    first, again = (draw_batch(random.Random(3), 6, CPU, SQUARE) for _ in range(2))
    assert torch.equal(first.control, again.control)
    assert torch.equal(first.frames, again.frames)


def test_a_wide_picture_carries_maps_of_its_own_shape():
    clips = controlled("two dancers", WIDE, 4)
    assert clips.frames.shape == (4, 12, 3, 88, 160)
    assert clips.control.shape == (4, 3, 4, 11, 20)
    assert follows(clips).min() > 0.85


@pytest.mark.parametrize(("width", "height"), [(320, 176), (512, 288)])
def test_a_cell_of_the_latent_map_is_eight_pixels_of_the_picture(width, height):
    maps = torch.zeros(1, 4, height // 2, width // 2)
    maps[..., -4:, :4] = 1
    latents = control_latents(maps, (height // 8, width // 8))
    assert latents[..., -1, 0].min() == latents.sum((-2, -1)).max() == 1


@settings(max_examples=20, deadline=None)
@given(
    pattern=strategies.tuples(*[strategies.floats(0, 1)] * 3),
    blend=strategies.floats(0, 1),
    size=strategies.sampled_from([(64, 64), (160, 88)]),
)
def test_the_area_of_the_new_look_is_the_blend(pattern, blend, size):
    ranks = spread_ranks(torch.tensor([pattern]), torch.arange(3) / 16, Canvas.of(*size))
    share = spread_share(ranks, torch.full((1, 3), blend))
    assert share.shape == (1, 3, size[1], size[0])
    assert (share.mean((2, 3)) - blend).abs().max() < 0.1


def test_a_new_form_spreads_in_patches():
    ranks = spread_ranks(torch.tensor([[0.2, 0.5, 0.8]]), torch.zeros(1), SQUARE.canvas)
    share = spread_share(ranks, torch.full((1, 1), 0.5))
    assert ((share < 0.01) | (share > 0.99)).float().mean() > 0.8


def test_a_change_of_colours_alone_shifts_everywhere_at_once():
    (look,), p = looks_and_parameters(1)
    start, target = replace(look, colours=("red",)), replace(look, colours=("blue",))
    clip_settings = replace(SQUARE, num_frames=36)
    change = Change(target, 1, 1, (0.1, 0.5, 0.9))
    clips = draw_clips([start], [change], [None], p, clip_settings).frames
    old, new = (draw_clips([x], [None], [None], p, clip_settings).frames for x in (start, target))
    middle = old[:, 17].lerp(new[:, 17], 11 / 24)
    assert torch.allclose(clips[:, 17], middle, atol=0.02)
    assert torch.equal(clips[:, :12], old[:, :12])
    assert torch.allclose(clips[:, 24:], new[:, 24:], atol=1e-5)


def test_a_figure_stays_bright_while_its_colours_change():
    (look,), p = looks_and_parameters(1)
    start, target = replace(look, colours=("red",)), replace(look, colours=("green",))
    change = Change(target, 0, 4, (0.1, 0.5, 0.9))
    clips = draw_clips([start], [change], ["filled"], p, replace(SQUARE, num_frames=48))
    assert follows(clips).item() > 0.85
