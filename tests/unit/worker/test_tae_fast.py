"""The decoder of the small autoencoder on its fast path against the plain layers."""

import pytest
import torch
from torch import nn

from engine.worker.models.wan.grown_conv import grown_conv
from engine.worker.models.wan.tae import TGrow
from tests.fast_layers import FLOAT32, TOLERANCE, TYPES, fast, plain
from tests.reference.tiny import rel_l2, tiny_codec


def growing(stride, dtype=torch.float32):
    grow = TGrow(8, stride, double_size=True)
    conv = nn.Conv2d(8, 4, 3, padding=1, bias=False)
    return (layer.to(dtype, memory_format=torch.channels_last) for layer in (grow, conv))


def pixels(*shape):
    return torch.randn(shape).contiguous(memory_format=torch.channels_last)


@TYPES
@pytest.mark.parametrize("stride", [1, 2])
def test_four_small_convolutions_equal_doubling_and_one_convolution(dtype, stride):
    (grow, conv), x = growing(stride, dtype), pixels(3, 8, 5, 6).to(dtype)
    found = fast(grown_conv, x, grow.conv, conv, stride)
    expected = plain(lambda x: conv(grow(x)), x)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert rel_l2(found, expected) < TOLERANCE[dtype]


@FLOAT32
def test_small_kernels_follow_weights_that_change():
    (grow, conv), x = growing(2), pixels(3, 8, 5, 6)
    fast(grown_conv, x, grow.conv, conv, 2)
    with torch.no_grad():
        grow.conv.weight.mul_(2)
    expected = plain(lambda x: conv(grow(x)), x)
    assert rel_l2(fast(grown_conv, x, grow.conv, conv, 2), expected) < 1e-5


@TYPES
@pytest.mark.parametrize("batch", [1, 2])
def test_a_decoder_on_the_fast_path_equals_the_plain_decoder(dtype, batch):
    codec, latents = tiny_codec().to(dtype), torch.randn(batch, 4, 5, 4, 6).to(dtype)
    found = fast(lambda x: codec.decode(x)[0], latents)
    expected = plain(lambda x: codec.decode(x)[0], latents)
    # ten layers deep, each rounds once or twice
    assert rel_l2(found, expected) < 3 * TOLERANCE[dtype]


@TYPES
def test_an_encoder_on_the_fast_path_equals_the_plain_encoder(dtype):
    codec, frames = tiny_codec().to(dtype), torch.rand(1, 8, 3, 32, 48).to(dtype)
    found = fast(lambda x: codec.encode(x)[0], frames)
    assert rel_l2(found, plain(lambda x: codec.encode(x)[0], frames)) < 3 * TOLERANCE[dtype]


@TYPES
def test_a_stream_on_the_fast_path_equals_the_whole_clip(dtype):
    codec, latents = tiny_codec().to(dtype), torch.randn(1, 4, 5, 4, 6).to(dtype)
    whole, _ = fast(codec.decode, latents)
    first, carried = fast(codec.decode, latents[:, :1])
    second, _ = fast(codec.decode, latents[:, 1:], carried)
    assert rel_l2(torch.cat([first, second], 1), whole) < TOLERANCE[dtype]
