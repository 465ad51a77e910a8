"""Build the parts of a published video model from its files, on their device and in their type.

In:     a file in any published layout, see `weight_files` and `weight_names`.
Out:    a module, frozen. Its weights were read from a mapped file one by one, so that loading
        needs no second copy of them; the module itself is made without memory, on meta.
Thread: main, while the worker loads.

Everything is in one type, as the causal variants of Wan run: bfloat16 weights and matrix products.
Norms are computed in float32 whatever the type, see `blocks.RMSNorm`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from engine.worker.models.wan.tae import TAE, TAEConfig
from engine.worker.models.wan.transformer import CausalTransformer, TransformerConfig
from engine.worker.models.wan.vace import VACE_PREFIX, VaceConfig, VaceStack
from engine.worker.models.wan.vae import WAN_VAE, WanVAE, WanVAEConfig
from engine.worker.models.wan.weight_names import ANY_CONTAINER, TRANSFORMER_NAMES, vae_names
from engine.worker.models.wan.weights import Adjust, Layout, Place, Weights, move_into, read_weights


def load_transformer(
    config: TransformerConfig,
    path: Path,
    place: Place,
    *,
    what: str = "transformer",
    adjust: Adjust | None = None,
) -> CausalTransformer:
    """Load a transformer.

    Args:
        config: its sizes.
        path: its file, or the index of its shards.
        place: device and type.
        what: which transformer, in words, for refusals.
        adjust: changes weights on their way, see `lora.Merge`.

    Raises:
        WeightsError: the file is missing, unreadable, or of another model.
        OutOfMemoryError: the device has no room.
    """
    layout = Layout(what=what, renames=TRANSFORMER_NAMES)
    weights = read_weights(path, layout)
    with torch.device("meta"):
        model = CausalTransformer(config)
    move_into(model, weights, layout, place, adjust)
    return model


def load_vace(
    config: TransformerConfig, vace: VaceConfig, path: Path, place: Place, *, what: str = "VACE"
) -> VaceStack:
    """Load a VACE stack, from a file of its own or out of a whole checkpoint of VACE.

    The rest of such a checkpoint is left where it is: the stack goes onto another transformer.

    Raises:
        WeightsError: the file is missing, unreadable, or holds no stack of these sizes.
        OutOfMemoryError: the device has no room.
    """
    layout = Layout(what=what, renames=TRANSFORMER_NAMES)
    weights = read_weights(path, layout)
    with torch.device("meta"):
        stack = VaceStack(config, vace)
    found = weights.only(VACE_PREFIX)
    move_into(stack, found if found.tensors else weights, layout, place)
    return stack


def load_wan_vae(path: Path, place: Place, config: WanVAEConfig = WAN_VAE) -> WanVAE:
    """Load the autoencoder of Wan 2.1.

    Raises:
        WeightsError: the file is missing, unreadable, or of another model.
        OutOfMemoryError: the device has no room.
    """
    layout = Layout(what="autoencoder", renames=vae_names(config.residual_blocks))
    weights = read_weights(path, layout)
    with torch.device("meta"):
        vae = WanVAE(config)
    move_into(vae, weights, layout, place)
    return vae.channels_last() if place[0].type == "cuda" else vae


def load_tae(path: Path, place: Place, config: TAEConfig) -> TAE:
    """Load a tiny autoencoder.

    Raises:
        WeightsError: the file is missing, unreadable, or of another model.
        OutOfMemoryError: the device has no room.
    """
    layout = Layout(what="tiny autoencoder", renames=ANY_CONTAINER)
    with torch.device("meta"):
        tae = TAE(config)
    weights = read_weights(path, layout)
    move_into(tae, _last_rows(weights, tae), layout, place)
    # Channels-last weights keep every activation channels-last.
    tae.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # stub lacks it
    return tae


def _last_rows(weights: Weights, tae: TAE) -> Weights:
    """Cut what splits frames in time to the frames that it splits into: the last are the newest.

    Source: TAEHV, patch_tgrow_layers.
    """
    expected = tae.state_dict()

    def cut(name: str, tensor: Tensor) -> Tensor:
        rows = expected[name].shape[0] if name in expected else 0
        is_split = name.startswith("decoder.") and name.endswith(".conv.weight")
        return tensor[-rows:] if is_split and 0 < rows < tensor.shape[0] else tensor

    return Weights(weights.path, {key: cut(key, value) for key, value in weights.tensors.items()})
