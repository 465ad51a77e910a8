"""Writes small models in every layout that checkpoints are published in."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import torch
from safetensors.torch import save_file

from engine.protocol.values import ModelChoice
from engine.worker.model import load_found
from engine.worker.models.folders import ModelFolder
from engine.worker.models.spec import ModelSpec, with_chunk
from engine.worker.models.wan.tae import TAE, TAEConfig, TAEPath
from engine.worker.models.wan.transformer import CausalTransformer, TransformerConfig
from engine.worker.models.wan.vace import VaceConfig, VaceStack
from engine.worker.models.wan.vae import WanVAE, WanVAEConfig
from tests.reference.tiny import randomise
from tests.tiny_text import TINY_UMT5, write_checkpoint
from tests.tiny_worker import CPU

TINY_WAN = TransformerConfig(
    dim=24, ffn_dim=40, num_heads=2, num_layers=2, text_dim=8, text_len=4, freq_dim=16
)
TINY_VAE = WanVAEConfig(base_width=8, residual_blocks=1)

_DIFFUSERS_TRANSFORMER = (
    ("time_embedding.0", "condition_embedder.time_embedder.linear_1"),
    ("time_embedding.2", "condition_embedder.time_embedder.linear_2"),
    ("text_embedding.0", "condition_embedder.text_embedder.linear_1"),
    ("text_embedding.2", "condition_embedder.text_embedder.linear_2"),
    ("time_projection.1", "condition_embedder.time_proj"),
    ("head.modulation", "scale_shift_table"),
    ("head.head", "proj_out"),
    (".modulation", ".scale_shift_table"),
    ("self_attn", "attn1"),
    ("cross_attn", "attn2"),
    (".q.", ".to_q."),
    (".k.", ".to_k."),
    (".v.", ".to_v."),
    (".o.", ".to_out.0."),
    ("norm3", "norm2"),
    ("ffn.0", "ffn.net.0.proj"),
    ("ffn.2", "ffn.net.2"),
    ("before_proj", "proj_in"),
    ("after_proj", "proj_out"),
)
_DIFFUSERS_VAE_LAYER = {
    "residual.0": "norm1", "residual.2": "conv1", "residual.3": "norm2", "residual.6": "conv2",
    "shortcut": "conv_shortcut",
}  # fmt: skip
_DIFFUSERS_MIDDLE = {"0": "resnets.0", "1": "attentions.0", "2": "resnets.1"}


def weights_of(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in module.state_dict().items()}


def tiny_wan_weights(
    config: TransformerConfig = TINY_WAN, dtype: torch.dtype = torch.float32
) -> dict[str, torch.Tensor]:
    model = CausalTransformer(config)
    randomise(model, 5)
    return {key: value.to(dtype) for key, value in weights_of(model).items()}


def tiny_vae_weights(config: WanVAEConfig = TINY_VAE) -> dict[str, torch.Tensor]:
    vae = WanVAE(config)
    randomise(vae, 6)
    return weights_of(vae)


def prefixed(weights, prefix):
    return {prefix + key: value for key, value in weights.items()}


def wrapped(weights):
    """As a training run leaves them behind."""
    return {
        "_fsdp_wrapped_module.model." + re.sub(
            r"^(blocks\.\d+)\.", r"\1._fsdp_wrapped_module._checkpoint_wrapped_module.", key
        ): value
        for key, value in weights.items()
    }  # fmt: skip


def diffusers_transformer(weights):
    def name(key):
        for official, theirs in _DIFFUSERS_TRANSFORMER:
            key = key.replace(official, theirs)
        return key

    return {name(key): value for key, value in weights.items()}


def diffusers_vae(weights, residual_blocks=TINY_VAE.residual_blocks):
    return {_vae_name(key, residual_blocks + 2): value for key, value in weights.items()}


def _vae_name(key: str, per_stage: int) -> str:
    if key.startswith(("conv1.", "conv2.")):
        return key.replace("conv1.", "quant_conv.").replace("conv2.", "post_quant_conv.")
    path, part, *rest = key.split(".")
    tail = ".".join(rest)
    if part == "conv1":
        return f"{path}.conv_in.{tail}"
    index, _, tail = tail.partition(".")
    if part == "head":
        return f"{path}.{'norm_out' if index == '0' else 'conv_out'}.{tail}"
    for official, theirs in _DIFFUSERS_VAE_LAYER.items():
        tail = re.sub(rf"^{re.escape(official)}\.", f"{theirs}.", tail)
    if part == "middle":
        return f"{path}.mid_block.{_DIFFUSERS_MIDDLE[index]}.{tail}"
    if part == "downsamples":
        return f"{path}.down_blocks.{index}.{tail}"
    stage, layer = divmod(int(index), per_stage)
    where = "upsamplers.0" if layer == per_stage - 1 else f"resnets.{layer}"
    return f"{path}.up_blocks.{stage}.{where}.{tail}"


def write_shards(folder, weights, num_shards=3, name="diffusion_pytorch_model"):
    """Write shards and their index; returns the index."""
    keys = list(weights)
    places = {}
    for shard in range(num_shards):
        file = f"{name}-{shard + 1:05d}-of-{num_shards:05d}.safetensors"
        part = {key: weights[key] for key in keys[shard::num_shards]}
        save_file(part, folder / file)
        places |= dict.fromkeys(part, file)
    index = folder / f"{name}.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": places}), "utf-8")
    return index


def write_transformer(folder, layout: str, weights):
    """Write a transformer as `layout` has it; returns the path to open."""
    return _LAYOUTS[layout](folder, weights)


def zeros(weights):
    return {key: torch.zeros_like(value) for key, value in weights.items()}


def _safetensors(path, weights):
    save_file(weights, path)
    return path


def _pickle(path, content, is_old=False):
    torch.save(content, path, _use_new_zipfile_serialization=not is_old)
    return path


def _named(file, change=lambda weights: weights):
    return lambda folder, weights: _safetensors(folder / file, change(weights))


def _pickled(file, change=lambda weights: weights, is_old=False):
    return lambda folder, weights: _pickle(folder / file, change(weights), is_old)


_LAYOUTS = {
    "official": _named("diffusion_pytorch_model.safetensors"),
    "official shards": write_shards,
    "self-forcing": _pickled(
        "self_forcing_dmd.pt",
        lambda weights: {
            "generator": prefixed(zeros(weights), "model."),
            "generator_ema": prefixed(weights, "model."),
            "step": 600,
        },
    ),
    "longlive base": _pickled(
        "longlive_base.pt", lambda weights: {"generator": prefixed(weights, "model.")}
    ),
    "training run": _pickled("run.pt", lambda weights: {"generator": wrapped(weights)}),
    "bare pickle": _pickled("model.pth"),
    "old pickle": _pickled("old.pth", is_old=True),
    "krea": _named("krea-realtime-video-14b.safetensors", lambda w: prefixed(w, "model.")),
    "comfy": _named("comfy.safetensors", lambda w: prefixed(w, "model.diffusion_model.")),
    "comfy, short": _named("short.safetensors", lambda w: prefixed(w, "diffusion_model.")),
    "diffusers": _named("diffusers.safetensors", diffusers_transformer),
    "diffusers shards": lambda folder, w: write_shards(folder, diffusers_transformer(w)),
}
TRANSFORMER_LAYOUTS = tuple(_LAYOUTS)


def tiny_lora(config: TransformerConfig = TINY_WAN, rank: int = 4, seed: int = 11):
    """PEFT pairs for every linear layer of every block, by official names: layer -> (A, B)."""
    rng = torch.Generator().manual_seed(seed)
    with torch.device("meta"):
        model = CausalTransformer(config)
    linears = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and name.startswith("blocks.")
    }
    return {
        name: (
            torch.randn(rank, module.in_features, generator=rng) * 0.2,
            torch.randn(module.out_features, rank, generator=rng) * 0.2,
        )
        for name, module in linears.items()
    }


def _peft(pairs, prefix="base_model.model.", adapter=""):
    return {
        f"{prefix}{name}.lora_{part}{adapter}.weight": tensor
        for name, pair in pairs.items()
        for part, tensor in zip("AB", pair, strict=True)
    }


def _up_down(pairs, alpha):
    named = {
        f"diffusion_model.{name}.lora_{part}.weight": tensor
        for name, pair in pairs.items()
        for part, tensor in zip(("down", "up"), pair, strict=True)
    }
    alphas = {f"diffusion_model.{name}.alpha": torch.tensor(alpha) for name in pairs}
    return named | alphas


def write_lora(folder, layout: str, pairs, alpha: float = 4.0):
    """Write a LoRA as `layout` has it; returns the path to open."""
    return _LORA_LAYOUTS[layout](folder, pairs, alpha)


def _peft_folder(folder, pairs, alpha):
    (folder / "adapter_config.json").write_text(json.dumps({"lora_alpha": alpha}), "utf-8")
    return _safetensors(folder / "adapter_model.safetensors", _peft(pairs))


_LORA_LAYOUTS = {
    "longlive": lambda folder, pairs, _alpha: _pickle(
        folder / "lora.pt", {"generator_lora": _peft(pairs), "critic_lora": {}, "step": 3}
    ),
    "peft": lambda folder, pairs, _alpha: _safetensors(folder / "p.safetensors", _peft(pairs)),
    "peft, named": lambda folder, pairs, _alpha: _safetensors(
        folder / "n.safetensors", _peft(pairs, "base_model.model.model.", ".default")
    ),
    "peft folder": _peft_folder,
    "diffusers": lambda folder, pairs, _alpha: _safetensors(
        folder / "d.safetensors", prefixed(diffusers_transformer(_peft(pairs, "")), "transformer.")
    ),
    "comfy": lambda folder, pairs, alpha: _safetensors(
        folder / "c.safetensors", _up_down(pairs, alpha)
    ),
}
LORA_LAYOUTS = tuple(_LORA_LAYOUTS)


TINY_TAE = TAEConfig(
    encoder=TAEPath(widths=(8, 8, 8, 8), memblocks=(0, 1, 1, 1), space=(True,) * 3,
                    time=(True, True, False)),
    decoder=TAEPath(widths=(8, 8, 8, 8), memblocks=(1, 1, 1, 0), space=(True,) * 3,
                    time=(False, True, True)),
    frames_to_trim=3,
)  # fmt: skip
TINY_ROW_WAN = replace(TINY_WAN, text_dim=TINY_UMT5.dim, text_len=48)
TINY_VACE = VaceConfig(layers=(0, 1))
_LAYOUT_OF_ROW = {
    "self-forcing-1.3b": "self-forcing", "longlive-1.3b": "longlive base", "krea-14b": "krea",
}  # fmt: skip


def tiny_row(spec: ModelSpec, latents_per_chunk: int = 3) -> ModelSpec:
    """Return a row with everything that is its own, at sizes of a few thousand weights."""
    small = replace(
        spec,
        transformer=TINY_ROW_WAN,
        codec=TINY_VAE,
        tiny_codec=TINY_TAE,
        anchor_codec=TINY_VAE if spec.anchor_codec else None,
        text=TINY_UMT5,
        vace=TINY_VACE if spec.vace else None,
    )
    return with_chunk(small, latents_per_chunk)


def write_row(folder, spec: ModelSpec):
    """Write a tiny row's files as they are published; returns the folder."""
    folder.mkdir(parents=True)
    write_checkpoint(folder)
    write_transformer(
        folder, _LAYOUT_OF_ROW[spec.name.removesuffix("-vace")], tiny_wan_weights(spec.transformer)
    )
    if spec.files.lora:
        write_lora(folder, "longlive", tiny_lora(spec.transformer, rank=256))
    if spec.vace:
        save_file(tiny_vace_weights(), folder / "vace.safetensors")
    torch.save(tiny_vae_weights(), folder / "Wan2.1_VAE.pth")
    tae = TAE(TINY_TAE)
    randomise(tae, 8)
    torch.save(weights_of(tae), folder / "taew2_1.pth")
    return folder


def write_rows(root, specs):
    """Write a tiny row of each spec; returns name -> folder."""
    return {spec.name: write_row(root / spec.name, tiny_row(spec)) for spec in specs}


def tiny_vace_weights():
    """Return the stack of the tiny rows."""
    stack = VaceStack(TINY_ROW_WAN, TINY_VACE)
    randomise(stack, 9)
    return weights_of(stack)


def load_row(folder, spec: ModelSpec, width_px: int = 48, height_px: int = 32):
    """Load a tiny row from its folder, as a worker does."""
    choice = ModelChoice(name=spec.name, width_px=width_px, height_px=height_px, device="cpu")
    return load_found(ModelFolder(spec, folder), choice, CPU)
