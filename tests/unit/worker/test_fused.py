"""Every fast twin for CPUs against the plain layers it stands for."""

import pytest
import torch
from torch import nn

from engine.worker.kernels import fused
from engine.worker.models.wan.blocks import Block
from tests.fast_layers import FLOAT32, TOLERANCE, TYPES, fast, plain
from tests.reference.tiny import rel_l2


def channels_last(*shape):
    return torch.randn(shape).contiguous(memory_format=torch.channels_last)


def conv(width_in, width_out):
    return nn.Conv2d(width_in, width_out, 3, padding=1).to(memory_format=torch.channels_last)


@TYPES
@pytest.mark.parametrize("function", [fused.linear, fused.linear_gelu])
def test_a_fused_linear_layer_equals_its_plain_twin(function, dtype):
    layer, x = nn.Linear(24, 40).to(dtype), torch.randn(1, 70, 24).to(dtype)
    assert rel_l2(fast(function, x, layer), plain(function, x, layer)) < TOLERANCE[dtype]


@TYPES
def test_a_fused_convolution_equals_its_plain_twin(dtype):
    layer, x = conv(8, 8).to(dtype), channels_last(3, 8, 9, 10).to(dtype)
    found, expected = fast(fused.conv_relu, x, layer), plain(fused.conv_relu, x, layer)
    assert rel_l2(found, expected) < TOLERANCE[dtype]


@TYPES
def test_a_convolution_that_adds_equals_its_plain_twin_and_takes_the_memory(dtype):
    layer, x, other = conv(8, 8), channels_last(3, 8, 9, 10), channels_last(3, 8, 9, 10)
    layer, x, other = layer.to(dtype), x.to(dtype), other.to(dtype)
    expected = plain(fused.conv_add_relu_inplace, x, layer, other.clone())
    found = fast(fused.conv_add_relu_inplace, x, layer, other)
    assert rel_l2(found, expected) < TOLERANCE[dtype]
    assert found.data_ptr() == other.data_ptr()


@TYPES
@pytest.mark.parametrize("num_frames", [1, 3])
def test_two_convolutions_added_up_equal_one_over_a_frame_and_the_one_before(dtype, num_frames):
    layer, x = conv(16, 8).to(dtype), channels_last(num_frames, 8, 9, 10).to(dtype)
    last = channels_last(1, 8, 9, 10).to(dtype)
    expected = plain(fused.conv_past_relu, x, last, layer)
    assert rel_l2(fast(fused.conv_past_relu, x, last, layer), expected) < TOLERANCE[dtype]


@FLOAT32
def test_weights_that_change_are_prepared_again():
    layer, x, last = conv(16, 8), channels_last(3, 8, 9, 10), channels_last(1, 8, 9, 10)
    fast(fused.conv_past_relu, x, last, layer)
    layer.load_state_dict(conv(16, 8).state_dict())
    expected = plain(fused.conv_past_relu, x, last, layer)
    assert rel_l2(fast(fused.conv_past_relu, x, last, layer), expected) < 1e-5


def through_block(x, block, e6, text):
    m = block.modulate(e6)
    q, k, v = block.self_qkv(x, m)
    attended = (q + k).to(v.dtype) * v
    return block.finish(x, attended, m, block.text_kv(text))


@TYPES
@pytest.mark.parametrize("num_rows", [4, 30], ids=["folded text", "long text"])
def test_a_block_on_the_fast_path_equals_the_plain_block(dtype, num_rows):
    block = Block(96, 160, 4, 1e-6)
    for norm in (block.self_attn.norm_q, block.cross_attn.norm_q, block.cross_attn.norm_k):
        nn.init.uniform_(norm.weight, 0.5, 2)
    block, x = block.to(dtype), torch.randn(1, 70, 96).to(dtype)
    e6, text = torch.randn(1, 1, 6, 96).to(dtype), torch.randn(1, num_rows, 96).to(dtype)
    with torch.no_grad():
        assert (block.text_kv(text).folded is None) == (num_rows == 30)
    found = fast(through_block, x, block, e6, text)
    expected = plain(through_block, x, block, e6, text)
    # a dozen roundings in a row on the plain side, half as many on the fast one
    assert rel_l2(found, expected) < 3 * TOLERANCE[dtype]


@FLOAT32
def test_a_convolution_adds_to_any_layout():
    layer, (x, other) = nn.Conv2d(8, 8, 3, padding=1), torch.randn(2, 3, 8, 9, 10)
    expected = plain(fused.conv_add_relu_inplace, x, layer, other)
    assert rel_l2(fast(fused.conv_add_relu_inplace, x, layer, other), expected) < 1e-5


def test_layers_of_another_type_than_their_input_run_as_autocast_wants():
    layer, x = nn.Linear(8, 8), torch.randn(1, 4, 8)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert not fused.can_fuse(x)
        assert fused.linear(fused.linear(x, layer), layer).dtype is torch.bfloat16


@FLOAT32
def test_text_is_folded_for_one_text_only():
    block, text = Block(96, 160, 4, 1e-6), torch.randn(2, 4, 96)
    with torch.no_grad():
        assert block.text_kv(text).folded is None
        assert block.text_kv(text[:1]).folded is not None


def test_plain_layers_run_where_gradients_are_wanted():
    x = torch.randn(1, 4, 8, requires_grad=True)
    fused.linear_gelu(x, nn.Linear(8, 8)).sum().backward()
    assert x.grad is not None


@pytest.fixture
def another_torch(monkeypatch):
    """Add an operator to those that the fast layers need."""

    def add(name, trial):
        monkeypatch.setitem(fused._TRIALS, name, trial)
        fused.why_plain.cache_clear()

    yield add
    monkeypatch.undo()
    fused.why_plain.cache_clear()


CPU = torch.device("cpu")


@FLOAT32
@pytest.mark.parametrize(
    ("trial", "said"),
    [
        (lambda _: torch.ops.mkldnn._of_another_version(), "no attribute '_of_another_version'"),
        (lambda _: torch.ops.mkldnn._linear_pointwise(1, 2), "failed to match"),
        (lambda _: (torch.zeros(2), torch.ones(2)), "another result"),
    ],
    ids=["missing", "other arguments", "other meaning"],
)
def test_a_torch_without_the_operators_runs_plain_layers_and_says_why(another_torch, trial, said):
    another_torch("imaginary", trial)
    assert said in fused.why_plain(torch.float32)
    assert "imaginary" in fused.layer_backends(CPU, torch.float32)["codec"]
    with torch.no_grad():
        assert not fused.can_fuse(torch.zeros(1))


@FLOAT32
def test_the_backend_report_names_plain_layers_that_were_asked_for():
    assert fused.layer_backends(CPU, torch.float32)["codec"] == "fused oneDNN, channels last"
    with fused.plain_layers():
        report = fused.layer_backends(CPU, torch.float32)
    assert report["codec"] == "torch (plain layers wanted), channels last"


def test_other_devices_and_types_have_plain_layers():
    assert fused.layer_backends(torch.device("cuda"), torch.bfloat16)["linear"] == "torch"
    assert "float16" in fused.layer_backends(CPU, torch.float16)["linear"]
