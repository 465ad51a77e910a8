"""What the cache decides (as properties), and that the tensors follow."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.worker.models.wan.cache_plan import (
    KREA,
    LONGLIVE,
    SELF_FORCING,
    CacheRule,
    CacheState,
    CacheWindow,
    Positions,
    plan_chunk,
    plan_context,
    plan_recache,
    plan_repeat,
)
from engine.worker.models.wan.kv_cache import CacheShape, KVCache, TextCache
from engine.worker.models.wan.rope import rope_table, rotate
from tests.reference.tiny import tiny_model

RELATIVE = CacheRule(positions=Positions.WINDOW)
CPU = torch.device("cpu")


@st.composite
def shows(draw):
    """A window and the lengths of the chunks of a show in it."""
    sink = draw(st.integers(0, 4))
    room = draw(st.integers(1, 8))
    chunks = draw(st.lists(st.integers(1, room), min_size=1, max_size=12))
    return CacheWindow(window_latents=sink + room, sink_latents=sink), chunks


def slots_after(rule, window, chunks):
    """Which latent sits in which slot, by following the plans literally."""
    state, slots, made = CacheState(), [], 0
    for count in chunks:
        plan = plan_chunk(rule, window, state, count)
        sink = window.sink_latents
        slots = slots[:sink] + slots[sink + plan.evict :] if plan.evict else slots
        assert plan.write_start == len(slots)
        slots += range(made, made + count)
        made += count
        assert plan.write_stop == len(slots)
        state = plan.after
    return slots, state, plan


@given(shows())
def test_the_window_holds_the_first_latents_and_the_newest(show):
    window, chunks = show
    slots, state, _ = slots_after(RELATIVE, window, chunks)
    total = sum(chunks)
    if total <= window.window_latents:
        assert slots == list(range(total))
    else:
        newest = len(slots) - window.sink_latents
        assert slots == [*range(window.sink_latents), *range(total - newest, total)]
    assert (state.cached, state.position) == (len(slots), total)


@given(shows())
def test_window_positions_are_slots_and_absolute_positions_count_on(show):
    window, chunks = show
    _, state, relative = slots_after(RELATIVE, window, chunks)
    _, _, absolute = slots_after(SELF_FORCING, window, chunks)
    assert relative.query_positions == tuple(range(relative.write_start, relative.write_stop))
    assert max(relative.query_positions) < window.window_latents
    assert absolute.query_positions == tuple(range(sum(chunks) - chunks[-1], sum(chunks)))
    assert state.position == sum(chunks)


@given(shows())
def test_a_repeat_writes_the_same_slots_and_changes_nothing_else(show):
    window, chunks = show
    _, state, first = slots_after(RELATIVE, window, chunks)
    again = plan_repeat(RELATIVE, window, state, chunks[-1])
    assert again == replace(first, evict=0)


@given(shows(), st.sampled_from([SELF_FORCING, LONGLIVE, RELATIVE]), st.booleans())
def test_a_recache_spares_the_sink_only_when_told_and_only_once_it_rolled(show, rule, keeps):
    window, chunks = show
    rule = replace(rule, recache_keeps_sink=keeps)
    _, state, _ = slots_after(rule, window, chunks)
    plan = plan_recache(rule, window, state, state.cached)
    spared = min(window.sink_latents, state.cached)
    is_spared = keeps and state.position > state.cached
    assert (plan.write_start, plan.write_skip) == ((spared, spared) if is_spared else (0, 0))
    assert (plan.write_stop, plan.after) == (state.cached, state)


def test_a_chunk_that_does_not_fit_beside_the_sink_is_refused_and_changes_nothing():
    window = CacheWindow(window_latents=4, sink_latents=2)
    with pytest.raises(ValueError, match="does not fit"):
        plan_chunk(RELATIVE, window, CacheState(), 3)
    with pytest.raises(ValueError, match="0 are cached"):
        plan_repeat(RELATIVE, window, CacheState(), 1)
    with pytest.raises(ValueError, match="larger than the sink"):
        CacheWindow(window_latents=3, sink_latents=3)


@pytest.mark.parametrize(
    ("finished", "count", "keep_first", "needs_anchor", "recent"),
    [
        (3, 3, False, False, (1, 2)),
        (6, 3, False, True, (4, 5)),
        (6, 3, True, False, (4, 5)),
        (3, 6, False, False, (1, 2)),
        (6, 6, False, False, (1, 2, 3, 4, 5)),
        (9, 6, False, True, (4, 5, 6, 7, 8)),
        (6, 4, False, False, (3, 4, 5)),
        (9, 1, False, True, ()),
    ],
)
def test_a_recomputed_context_heads_with_the_first_latent_then_with_an_anchor(
    finished, count, keep_first, needs_anchor, recent
):
    plan = plan_context(finished, 3, count, keep_first=keep_first)
    assert (plan.needs_anchor, tuple(plan.recent)) == (needs_anchor, recent)
    assert plan.num_latents == 1 + len(recent)


SHAPE = CacheShape(num_layers=2, batch=1, rows=1, columns=2, num_heads=1, head_dim=12)


def filled(rule, window, sink, chunks):
    """A cache whose keys hold, before rotation, the number of their latent."""
    settings = CacheWindow(window_latents=window, sink_latents=sink)
    cache, made = KVCache(SHAPE, rule, settings, torch.float32, CPU), 0
    for count in chunks:
        cache.begin_chunk(count)
        numbers = torch.arange(made, made + count).repeat_interleave(2).float() + 1
        tokens = numbers.view(1, -1, 1, 1).expand(1, -1, 1, 12)
        for layer in range(2):
            cache.write(layer, tokens, tokens * 10)
        made += count
    return cache


@pytest.mark.parametrize("chunks", [[2, 2, 2, 2], [3, 1, 3], [1] * 9, [4, 4]])
def test_keys_and_values_move_together_in_every_layer(chunks):
    cache = filled(RELATIVE, 5, 1, chunks)
    total = sum(chunks)
    kept = cache.state.cached - 1
    expected = [1, *range(total - kept + 1, total + 1)]
    for layer in range(2):
        keys, values = cache.layer(layer)
        assert keys[0, ::2, 0, 0].tolist() == expected
        assert torch.equal(values, keys * 10)


def test_moved_keys_are_turned_to_their_new_slots():
    cache = filled(RELATIVE, 5, 1, [2, 2, 2])
    plain, _ = cache.layer(0)
    turned = rotate(plain, rope_table(12, tuple(range(5)), 1, 2, CPU))
    assert torch.allclose(cache._k[0], turned, atol=1e-6)


def test_absolute_keys_keep_the_phase_they_were_written_with():
    cache = filled(SELF_FORCING, 4, 1, [2, 2, 2])
    keys, _ = cache.layer(0)
    numbers = torch.tensor([0, 3, 4, 5]).repeat_interleave(2).float() + 1
    plain = numbers.view(1, -1, 1, 1).expand(1, -1, 1, 12)
    assert torch.allclose(keys, rotate(plain, rope_table(12, (0, 3, 4, 5), 1, 2, CPU)), atol=1e-6)


def test_reset_starts_at_position_zero_in_the_same_buffers():
    cache = filled(KREA, 4, 0, [2, 2, 2])
    buffer = cache._k.data_ptr()
    cache.reset()
    cache.begin_chunk(2)
    assert cache.state == CacheState(2, 2)
    assert cache._k.data_ptr() == buffer


def test_text_is_embedded_once_until_it_is_invalidated():
    model, text = tiny_model(), torch.randn(1, 3, 8)
    cache = TextCache(model)
    with pytest.raises(ValueError, match="no text set"):
        cache.kvs()
    cache.set_text(text)
    first = cache.kvs()
    assert cache.kvs() is first
    cache.invalidate()
    assert not cache.is_valid
    assert cache.kvs() is not first
    assert torch.equal(cache.kvs()[1].k, first[1].k)
