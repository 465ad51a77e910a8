"""Every GPU kernel against its plain twin, on fresh random numbers, at sizes that tile badly."""

import pytest
import torch

from engine.worker.kernels import narrow, rows
from engine.worker.kernels.attention import attention_reference
from engine.worker.kernels.fused import plain_layers
from engine.worker.kernels.graphs import Graphs
from engine.worker.kernels.has_triton import has_triton
from engine.worker.kernels.products import FP8, Product, Weight, multiply, quantised
from engine.worker.kernels.rows import Affine, HeadNorms, KVSlots, Turn
from engine.worker.kernels.text_attention import (
    text_attention,
    text_attention_reference,
    text_rows,
)
from engine.worker.models.wan.recorded_codec import RecordedDecoder
from engine.worker.models.wan.rope import RopeTable, rotate_pairs
from engine.worker.models.wan.tae import TAE, TAEW2_1
from engine.worker.noise import NoiseKey, normal_noise

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(
        not torch.cuda.is_available() or not has_triton(), reason="needs an NVIDIA GPU and Triton"
    ),
]
SIZES = [(50, 6, 64), (2352, 12, 128), (333, 40, 128)]  # rows, heads, head size
BF16 = torch.bfloat16


@pytest.fixture
def draw():
    generator = torch.Generator("cuda").manual_seed(torch.seed() % 2**31)

    def normal(*shape, dtype=torch.float32):
        return torch.randn(*shape, device="cuda", generator=generator).to(dtype)

    return normal


def distance(found, expected):
    found, expected = found.float(), expected.float()
    assert torch.isfinite(found).all()
    return float((found - expected).norm() / expected.norm())


def product(draw, num_rows, width, *, scaled):
    values, bias = draw(num_rows, width, dtype=BF16), draw(width)
    if not scaled:
        return Product(values, bias)
    return Product(values, bias, draw(num_rows).abs() + 0.1, draw(width).abs() + 0.1)


def same_activation(found, expected):
    assert (found.scales is None) == (expected.scales is None)
    if found.scales is None:
        assert distance(found.values, expected.values) < 4e-3
        return
    assert distance(found.scales, expected.scales) < 1e-5
    assert distance(found.values, expected.values) < 5e-3  # a few numbers round the other way


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("scaled", [False, True])
def test_residual_norm_and_gelu(draw, size, narrow, scaled):
    num_rows, heads, head = size
    width = heads * head
    x, affine, gate = (
        draw(num_rows, width, dtype=BF16),
        Affine(draw(width), draw(width)),
        draw(width),
    )
    same_activation(
        rows.normed(x, affine, 1e-6, narrow=narrow),
        rows.normed_reference(x, affine, 1e-6, narrow=narrow),
    )
    for its_gate in (None, gate):
        update = product(draw, num_rows, width, scaled=scaled)
        found, expected, plain = x.clone(), x.clone(), x.clone()
        made = rows.add_inplace_normed(found, update, its_gate, affine, 1e-6, narrow=narrow)
        rows.add_inplace(plain, update, its_gate)
        rows.add_inplace_reference(expected, update, its_gate)
        assert distance(found, expected) < 1e-4
        assert torch.equal(found, plain)
        same_activation(made, rows.normed_reference(found, affine, 1e-6, narrow=narrow))
    wide = product(draw, num_rows, 3 * width - 64, scaled=scaled)
    same_activation(
        rows.gelu(wide, BF16, narrow=narrow), rows.gelu_reference(wide, BF16, narrow=narrow)
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("skip", [0, 7])
def test_queries_keys_and_values(draw, size, scaled, skip):
    num_rows, heads, head = size
    width = heads * head
    norms, turn = HeadNorms(draw(2, width), 1e-6), Turn(*draw(2, num_rows, head // 2))
    qkv = product(draw, num_rows, 3 * width, scaled=scaled)

    def slots():
        empty = [torch.full((heads, num_rows + 20, head), 9.0, device="cuda", dtype=BF16)
                 for _ in range(3)]  # fmt: skip
        return KVSlots(*empty, start=5, skip=skip, narrow_k=empty[0].to(FP8))

    found, expected = slots(), slots()
    q = rows.queries_into_slots(qkv, norms, turn, found, BF16)
    assert distance(q, rows.queries_into_slots_reference(qkv, norms, turn, expected, BF16)) < 4e-3
    for one, other in ((found.k, expected.k), (found.v, expected.v), (found.plain, expected.plain)):
        assert distance(one, other) < 4e-3
        assert (one[:, :5] == 9).all(), "places before the pass were written"
        assert (one[:, 5 + num_rows - skip :] == 9).all(), "places behind the pass were written"
    assert distance(found.narrow_k, found.k.to(FP8)) < 0.03  # rounded once and rounded twice
    cross = product(draw, num_rows, width, scaled=scaled)
    one_norm = HeadNorms(norms.weights[:1], 1e-6)
    assert (
        distance(
            rows.head_normed(cross, one_norm, BF16),
            rows.head_normed_reference(cross, one_norm, BF16),
        )
        < 4e-3
    )


def test_fp8_products_say_what_float32_says(draw):
    x, w = draw(333, 512, dtype=BF16), draw(256, 512) * 0.05
    values, scales = quantised(w)
    weight = Weight(values, draw(256), scales)
    made = rows.activation_of(x, narrow=True)
    same_activation(made, type(made)(*quantised(x)))
    found = multiply(made, weight).written_out()
    wide = made.values.float() * made.scales[:, None]
    assert distance(found, wide @ (values.float() * scales[:, None]).t() + weight.bias) < 3e-3
    assert distance(found, x.float() @ w.t() + weight.bias) < 0.06


@pytest.mark.parametrize("size", [(2352, 4704, 12, 128), (333, 777, 6, 64), (50, 100, 4, 128)])
def test_attention_on_narrow_copies(draw, size):
    num_queries, places, heads, head = size
    k, v = draw(heads, places, head, dtype=BF16), draw(heads, places, head, dtype=BF16)
    q = draw(num_queries, heads, head).to(FP8)
    copies = narrow.narrow_like(k)
    narrow.narrow_keys(k, copies.k, 0, places)
    for first, stop in ((0, 30), (30, places)):
        narrow.narrow_values(v, copies.v, first, stop)
    assert torch.equal(copies.v[..., :places].float(), v.transpose(1, 2).to(FP8).float())
    for num_keys in (places, places // 2, 128 * (places // 128) or 1):
        found = narrow.attention(q, copies, num_keys, BF16)
        expected = narrow.attention_reference(q, copies, num_keys, torch.float32)
        assert distance(found, expected) < 0.04, num_keys  # its weights are rounded to three bits


@pytest.mark.parametrize("size", [(2352, 12, 128, 512), (333, 6, 64, 12), (50, 40, 128, 150)])
def test_attention_on_a_text(draw, size):
    num_queries, heads, head, places = size
    q = draw(num_queries, heads, head, dtype=BF16)
    rows = text_rows(q.device)
    for given in (0, 1, places // 3, places - 1, places):
        k, v = draw(2, places, heads, head, dtype=BF16)
        k[given:], v[given:] = k[-1:].clone(), v[-1:].clone()
        rows.take(given, places)
        found = text_attention(q, k, v, rows)
        expected = attention_reference(q[None].float(), k[None].float(), v[None].float())[0]
        assert distance(found, expected) < 0.01, given
        assert distance(found, text_attention_reference(q, k, v, rows)) < 0.01, given


@pytest.mark.parametrize("turns", [True, False])
def test_keys_move_and_turn(draw, turns):
    from engine.worker.kernels.triton_moves import move_inplace

    count, places, head = 6, 300, 128
    plain, k, v = (draw(count, places, head, dtype=BF16) for _ in range(3))
    k = k if turns else plain
    table = draw(2, places, head // 2)
    moved, values = plain.clone(), v.clone()
    moved[:, 40:250], values[:, 40:250] = plain[:, 77:287], v[:, 77:287]
    move_inplace((plain, k, v), tuple(table) if turns else None, (40, 37, 250))
    assert torch.equal(plain, moved)
    assert torch.equal(v, values)
    if turns:
        rotation = RopeTable(table[0, 40:250, None], table[1, 40:250, None])
        expected = rotate_pairs(moved[:, 40:250, None], rotation)[:, :, 0]
        assert distance(k[:, 40:250], expected) < 4e-3


@pytest.mark.parametrize("key", [
    NoiseKey(seed=1, chunk=1, step=1), NoiseKey(seed=2**64 - 1, cut=2**32 - 1, chunk=2**31, step=0),
])  # fmt: skip
def test_noise_is_the_same_bits_in_one_kernel(key):
    for shape in ((1, 3, 16, 56, 56), (7,)):
        expected = normal_noise(shape, key, torch.device("cpu"))
        assert torch.equal(normal_noise(shape, key, torch.device("cuda", 0)).cpu(), expected)


@torch.inference_mode()
def test_the_recorded_decoder_is_the_plain_one(draw):
    codec = TAE(TAEW2_1).cuda().to(BF16).eval()
    recorded = RecordedDecoder(codec, Graphs(torch.device("cuda", 0)))
    state, plain_state = None, None
    for chunk in range(5):
        latents = draw(1, 3, 16, 20, 28)
        frames, state = recorded.decode(latents, state)
        with plain_layers():
            expected, plain_state = codec.decode(latents, plain_state)
        assert distance(frames, expected) < 0.01, chunk
