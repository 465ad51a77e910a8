"""The published models as rows: what they say, where they are found, what of them is loaded."""

from dataclasses import replace

import pytest
import torch

from engine.errors import ConfigError, WeightsError
from engine.protocol import places
from engine.protocol.values import ModelChoice
from engine.worker.model import choose_model
from engine.worker.models.folders import find_model
from engine.worker.models.house.house import WEIGHTS_DIR
from engine.worker.models.spec import (
    HOUSE,
    KREA_14B,
    LONGLIVE_1_3B,
    MODELS,
    PUBLISHED,
    PUBLISHED_VACE,
    SELF_FORCING_1_3B,
    Control,
    with_chunk,
)
from engine.worker.models.wan.tae import TAE
from engine.worker.models.wan.vae import WanVAE
from tests.published import load_row, tiny_row, write_row, write_rows

BY_NAME = {"ids": lambda spec: spec.name}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """One folder per row without VACE, with all its files."""
    return write_rows(tmp_path_factory.mktemp("models"), PUBLISHED)


# ---------------------------------------------------------------- rows


def test_the_rows_are_as_published():
    rows = {
        spec.name: (
            spec.window.window_latents, spec.window.sink_latents, spec.latents_per_chunk,
            [round(timestep, 1) for timestep in spec.steps.timesteps],
        )
        for spec in PUBLISHED
    }  # fmt: skip
    usual = [1000.0, 937.5, 833.3, 625.0]
    assert rows == {
        "self-forcing-1.3b": (21, 3, 3, usual),
        "longlive-1.3b": (12, 3, 3, usual),
        "krea-14b": (6, 0, 3, [1000.0, 908.8, 714.0, 0.0]),
    }


def test_a_row_with_vace_is_its_row_with_a_stack_on_top():
    for plain, spec in zip(PUBLISHED, PUBLISHED_VACE, strict=True):
        assert (spec.control, spec.vace.layers[1]) == (Control.VACE, 5 if "14b" in spec.name else 2)
        back = {name: getattr(plain, name) for name in ("name", "control", "vace", "licence")}
        assert replace(spec, files=plain.files, **back) == plain


@pytest.mark.parametrize("latents", [1, 2, 3])
def test_another_chunk_length_keeps_the_context_of_a_model_that_recomputes_it(latents):
    assert with_chunk(KREA_14B, latents).context_latents == 3
    assert with_chunk(LONGLIVE_1_3B, latents).window.window_latents == 12


def test_a_chunk_that_does_not_fit_beside_the_sink_is_refused():
    with pytest.raises(ValueError, match=r"chunks of 10 latents: longlive-1\.3b takes 1 to 9"):
        with_chunk(LONGLIVE_1_3B, 10)


# ---------------------------------------------------------------- found


@pytest.mark.parametrize("spec", MODELS.values(), **BY_NAME)
def test_a_model_goes_by_its_name_and_lies_in_the_folder_of_models(spec, monkeypatch, tmp_path):
    monkeypatch.setenv(places.HOME_VARIABLE, str(tmp_path))
    found = find_model(spec.name)
    plain = spec.name.removesuffix("-vace")  # with VACE or without, the transformer is the same
    own = WEIGHTS_DIR if spec is HOUSE else tmp_path / "models" / plain
    assert (found.spec, found.folder) == (spec, own)


@pytest.mark.parametrize("spec", PUBLISHED, **BY_NAME)
def test_a_folder_of_any_name_is_known_by_the_file_in_it(spec, tmp_path):
    (tmp_path / spec.files.telling[0]).touch()
    assert find_model(str(tmp_path)).spec is spec


def test_a_folder_is_known_by_its_name_and_the_house_model_by_its_captions(tmp_path):
    (tmp_path / "krea-14b").mkdir()
    assert find_model(str(tmp_path / "krea-14b")).spec is KREA_14B
    assert find_model(str(WEIGHTS_DIR)).spec is HOUSE


def test_what_is_no_model_is_refused_with_the_choices(tmp_path):
    with pytest.raises(ConfigError, match=r"choose one of house, self-forcing-1\.3b"):
        find_model("krea")
    with pytest.raises(ConfigError, match=r"holds no model.*self_forcing_dmd\.pt"):
        find_model(str(tmp_path))


def test_a_vace_checkpoint_may_lie_beside_the_model_that_it_steers(tmp_path):
    spec = tiny_row(PUBLISHED_VACE[0])
    own = write_row(tmp_path / "mine", spec)
    (tmp_path / "Wan2.1-VACE-1.3B").mkdir()
    beside = tmp_path / "Wan2.1-VACE-1.3B" / "diffusion_pytorch_model.safetensors"
    (own / "vace.safetensors").rename(beside)
    assert load_row(own, spec).sampler.vace is not None
    beside.unlink()
    with pytest.raises(WeightsError, match=r"self-forcing-1.3b-vace, VACE: no vace\.safetensors"):
        load_row(own, spec)


def test_what_all_models_share_may_lie_beside_them(tmp_path, folders):
    own = write_row(tmp_path / "krea-14b", tiny_row(KREA_14B))
    shared = tmp_path / "Wan2.1-T2V-14B"
    shared.mkdir()
    for name in ("Wan2.1_VAE.pth", "models_t5_umt5-xxl-enc-bf16.pth", "google"):
        (own / name).rename(shared / name)
    load_row(own, tiny_row(KREA_14B))


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("longlive_base.pt", r"longlive-1.3b, transformer: no longlive_base\.pt or .*download"),
        ("lora.pt", r"longlive-1.3b, LoRA: no lora\.pt or "),
        ("Wan2.1_VAE.pth", r"longlive-1.3b, autoencoder: no Wan2\.1_VAE\.pth or "),
        ("models_t5_umt5-xxl-enc-bf16.pth", "longlive-1.3b, text encoder: no models_t5"),
    ],
)
def test_a_missing_file_is_named_with_the_places_where_it_was_looked_for(tmp_path, file, words):
    folder = write_row(tmp_path / "longlive-1.3b", tiny_row(LONGLIVE_1_3B))
    (folder / file).unlink()
    with pytest.raises(WeightsError, match=words):
        load_row(folder, tiny_row(LONGLIVE_1_3B))


def test_a_row_refuses_the_transformer_of_another_model(folders):
    wider = replace(tiny_row(KREA_14B), transformer=KREA_14B.transformer)
    with pytest.raises(WeightsError, match=r"transformer of krea-14b.*looks like a transformer of"):
        load_row(folders["krea-14b"], wider)


# ---------------------------------------------------------------- chosen


def test_codec_and_chunk_length_can_be_chosen():
    found = choose_model(
        ModelChoice(name="krea-14b", width_px=448, height_px=448, latents_per_chunk=1, codec="tae")
    )
    assert found.spec.codec == KREA_14B.tiny_codec
    assert (found.spec.latents_per_chunk, found.spec.frames_per_chunk) == (1, 4)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (ModelChoice(codec="tae"), "model house: codec 'tae' is not one of its own; choose auto"),
        (ModelChoice(name="krea-14b", codec="best"), "choose auto, vae or tae"),
        (ModelChoice(name="house", latents_per_chunk=9), "chunks of 9 latents: house takes 1 to 6"),
        (ModelChoice(name="krea-14b", width_px=450), "width divisible by 16"),
    ],
)
def test_a_choice_that_does_not_fit_the_model_is_refused(choice, words):
    with pytest.raises(ConfigError, match=words):
        choose_model(choice)


# ---------------------------------------------------------------- loaded


@pytest.mark.parametrize("spec", PUBLISHED, **BY_NAME)
def test_a_licence_that_bars_commercial_use_is_told(folders, spec):
    notices = " ".join(load_row(folders[spec.name], tiny_row(spec)).notices)
    assert ("not for commercial use" in notices) == (spec is not SELF_FORCING_1_3B)


def test_longlive_merges_its_lora_while_it_loads(folders):
    folder = folders["longlive-1.3b"]
    merged = load_row(folder, tiny_row(LONGLIVE_1_3B)).sampler.model.state_dict()
    plain = torch.load(folder / "longlive_base.pt", weights_only=True)["generator"]
    lora = torch.load(folder / "lora.pt", weights_only=True)["generator_lora"]
    prefix = "base_model.model.blocks.1.cross_attn.v"
    added = lora[f"{prefix}.lora_B.weight"] @ lora[f"{prefix}.lora_A.weight"]
    exact = plain["model.blocks.1.cross_attn.v.weight"] + added
    assert torch.equal(merged["blocks.1.cross_attn.v.weight"], exact)


def test_the_tiny_autoencoder_draws_and_the_other_makes_the_anchors(folders):
    spec = tiny_row(KREA_14B)
    model = load_row(folders["krea-14b"], replace(spec, codec=spec.tiny_codec))
    assert isinstance(model.codec, TAE)
    assert isinstance(model.anchor._codec, WanVAE)
