"""The padding of a text as one key: the same numbers as attention on all of its places."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.worker.kernels.attention import attention_reference
from engine.worker.kernels.text_attention import text_attention, text_rows

CPU = torch.device("cpu")


@given(places=st.integers(1, 40), share=st.floats(0, 1), seed=st.integers(0, 2**31))
def test_padding_weighs_as_much_as_it_is_long(places: int, share: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    num_given = round(share * places)
    q = torch.randn(5, 2, 8, generator=generator)
    k, v = torch.randn(2, places, 2, 8, generator=generator)
    k[num_given:], v[num_given:] = k[-1:].clone(), v[-1:].clone()
    rows = text_rows(CPU)
    rows.take(num_given, places)
    found = text_attention(q, k, v, rows)
    expected = attention_reference(q[None], k[None], v[None])[0]
    assert torch.allclose(found, expected, atol=1e-5)


def test_what_lies_behind_the_key_of_the_padding_is_not_read() -> None:
    q, k, v = torch.randn(4, 2, 8), torch.randn(9, 2, 8), torch.randn(9, 2, 8)
    rows = text_rows(CPU)
    rows.take(5, 9)
    before = text_attention(q, k, v, rows)
    k[6:], v[6:] = 1e6, 1e6
    assert torch.equal(text_attention(q, k, v, rows), before)
