"""What `segue models pull` puts on the disk is where the worker looks, under the same licence."""

import pytest

from engine.errors import WeightsError
from engine.model_store.catalogue import find, with_needs
from engine.model_store.store import Store
from engine.protocol.places import models_folder
from engine.worker.models.depth import depth_anything, video_depth
from engine.worker.models.folders import find_model
from engine.worker.models.spec import MODELS
from engine.worker.models.wan.text_weights import TEXT_PLACES
from engine.worker.preprocess import depth, person
from tests.tiny_worker import CPU

PUBLISHED = [spec.name for spec in MODELS.values() if spec.files and not spec.files.vace]
WITH_VACE = [spec.name for spec in MODELS.values() if spec.files and spec.files.vace]


def touch(store, model):
    for file in model.files:
        path = store.folder(model) / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.mark.parametrize("name", PUBLISHED)
def test_every_file_of_a_pulled_model_is_found(name):
    store = Store(models_folder())
    for model in with_needs(name):
        touch(store, model)
    found, files = find_model(name), MODELS[name].files
    assert found.own(files.transformer, "transformer").is_relative_to(store.folder(find(name)))
    assert found.shared(files.vae, "autoencoder") == store.folder(find("wan2.1-vae")) / files.vae[0]
    assert found.shared_folder(TEXT_PLACES, "text encoder") == store.folder(find("umt5-xxl"))
    if files.lora:
        assert found.own(files.lora, "LoRA").name == "lora.pt"


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_tiny_autoencoder_is_found_too(name):
    model = find("taew2.1")
    path = Store(models_folder()).folder(model) / model.files[0].path
    path.parent.mkdir(parents=True)
    path.touch()
    assert find_model(name).shared(MODELS[name].files.tae, "tiny autoencoder") == path


@pytest.mark.parametrize("name", WITH_VACE)
def test_a_pulled_stack_goes_onto_a_pulled_model(name):
    store = Store(models_folder())
    stack = find("vace-14b" if "14b" in name else "vace-1.3b")
    for model in (*with_needs(name.removesuffix("-vace")), stack):
        touch(store, model)
    found, files = find_model(name), MODELS[name].files
    own = store.folder(find(name.removesuffix("-vace")))
    assert found.own(files.transformer, "transformer").is_relative_to(own)
    assert found.own(files.vace, "VACE").samefile(store.folder(stack) / stack.files[0].path)


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("depth", depth_anything.PUBLISHED.path),
        ("video-depth", video_depth.PUBLISHED.path),
        ("person", person.weights_path),
    ],
)
def test_a_pulled_preprocessor_is_where_its_control_map_looks(name, where):
    model = find(name)
    touch(Store(models_folder()), model)
    assert where() == Store(models_folder()).folder(model) / model.files[0].path


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("depth", lambda: depth.load_depth_preprocessor(CPU)),
        ("person", person.load_person_preprocessor),
    ],
)
def test_a_control_map_without_its_weights_says_how_to_get_them(name, load, monkeypatch):
    monkeypatch.setattr(person, "find_spec", lambda package: None)
    with pytest.raises(WeightsError, match=f"is missing; run `segue models pull {name}`, or put"):
        load()


@pytest.mark.parametrize("name", ["house", *PUBLISHED])
def test_the_licence_that_is_accepted_is_the_one_of_the_row(name):
    assert find(name).licence.name == MODELS[name].licence
