"""What Segue plays and steers with, as rows: files, licence, size, memory. No network, no torch.

A revision is pinned where it is known; `main` is whatever the hub has. Size and sha256 are those
that were published and are None where none was found: then the hub's own word is the check (see
`hub.checksum_of`). Nothing here is a guess. Where a model's card and the licence file of its
release disagree, the stricter of the two is named.

Sources: file names from causal-wan.md section 9; sizes and sha256 from the files' pages on the hub
(git LFS pointers) and from published manifests that agree with them; licences from the cards and
from LICENSE files, as noted at each row.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.errors import ConfigError
from engine.protocol.model_reports import Licence


@dataclass(frozen=True, slots=True)
class Mark:
    """A tensor that only this model has, by the end of its name; tells a wrong file at once."""

    name: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """One file of a repository of the hub."""

    repo: str
    path: str
    revision: str = "main"
    size_bytes: int | None = None
    sha256: str | None = None
    mark: Mark | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One row.

    Attributes:
        needs: rows whose files it uses too; pulled with it.
        about_bytes: rounded total from the model's page, for people, where sizes are not known.
        built_in: the folder in the program; None for what is downloaded.
        sizes, control: as in `ModelListed`.
    """

    name: str
    summary: str
    licence: Licence
    gpu: str
    files: tuple[HubFile, ...] = ()
    needs: tuple[str, ...] = ()
    about_bytes: int = 0
    built_in: Path | None = None
    sizes: tuple[str, ...] = ()
    control: str = ""

    @property
    def is_size_exact(self) -> bool:
        """Whether every file's size is known."""
        return all(file.size_bytes is not None for file in self.files)

    @property
    def total_bytes(self) -> int:
        """Size of its own files; rounded, or 0, when not exact."""
        if not self.is_size_exact:
            return self.about_bytes
        return sum(file.size_bytes or 0 for file in self.files)


def _apache(
    statement: str = "Free to use, also in paid shows, if the licence stays with copies.",
) -> Licence:
    return Licence(
        name="Apache-2.0",
        title="Apache License 2.0",
        statement=statement,
        link="https://www.apache.org/licenses/LICENSE-2.0",
        is_commercial=True,
    )


def _non_commercial(statement: str) -> Licence:
    return Licence(
        name="CC-BY-NC-SA-4.0",
        title="Creative Commons Attribution-NonCommercial-ShareAlike 4.0",
        statement=statement,
        link="https://creativecommons.org/licenses/by-nc-sa/4.0/legalcode",
        is_commercial=False,
    )


_MIT = Licence(
    name="MIT",
    title="MIT License",
    statement="Free to use, also in paid shows, if the licence stays with copies.",
    link="https://github.com/madebyollin/taehv/blob/main/LICENSE",
    is_commercial=True,
)

# The card of KREA's weights says apache-2.0 (revision below), the LICENSE.md of KREA's release
# (github.com/krea-ai/realtime-video, acf4b7b) says CC BY-NC-SA 4.0; issue 5 there asks which.
_KREA_LICENCE = _non_commercial(
    "Non-commercial: not for paid shows or products; name KREA and share changes alike. "
    "The model's card says Apache-2.0, the licence file of KREA's release says this one, and "
    "Segue goes by the stricter: ask KREA before you earn money with it."
)
# Card of Efficient-Large-Model/LongLive-1.3B at cda9138: cc-by-nc-sa-4.0; its code,
# github.com/NVlabs/LongLive, went to Apache-2.0 on 2025-11-01.
_LONGLIVE_LICENCE = _non_commercial(
    "Non-commercial: not for paid shows or products; name its authors and share changes alike. "
    "The card of the weights says so; the code of LongLive has become Apache-2.0, so ask NVIDIA "
    "before you earn money with it."
)

_WAN = "Wan-AI/Wan2.1-T2V-1.3B"
_WAN_REVISION = "37ec512624d61f7aa208f7ea8140a131f93afc9a"
_SHARED = ("wan2.1-vae", "umt5-xxl")
_SIZES = ("832x480", "448x448", "480x832")

HOUSE = Model(
    name="house",
    summary="House model: 256x256, live on two CPU cores",
    licence=_apache("Part of Segue: free to use, also in paid shows."),
    gpu="none",
    sizes=("256x256", "256x144", "512x512"),
    built_in=Path(__file__).resolve().parents[1] / "worker" / "models" / "house" / "weights",
)

SELF_FORCING = Model(
    name="self-forcing-1.3b",
    summary="Self-Forcing 1.3B: 832x480, text to video",
    licence=_apache(),  # LICENSE of github.com/guandeh17/Self-Forcing at 33593df
    gpu="24 GB",  # README of the same: tested with at least 24 GB
    sizes=_SIZES,
    control="vace-1.3b",
    needs=_SHARED,
    files=(
        HubFile(
            repo="gdhe17/Self-Forcing",
            path="checkpoints/self_forcing_dmd.pt",
            revision="2f8b779212da279d212c22a509b66ad6552f350e",
            size_bytes=5_676_252_553,
            sha256="a0413986d9734e02c09504e1520f5697ba6df731bb2f0f35577485e9cc8f56a3",
        ),
    ),
)

LONGLIVE = Model(
    name="longlive-1.3b",
    summary="LongLive 1.3B: 832x480, made for long takes and changing prompts",
    licence=_LONGLIVE_LICENCE,
    gpu="24 GB",  # the transformer of Self-Forcing; its README names no figure
    sizes=_SIZES,
    control="vace-1.3b",
    needs=_SHARED,
    about_bytes=8_770_000_000,  # page of the repository, everything in it
    files=(  # sha256: a published script that compares them after its download; sizes: none found
        HubFile(
            repo="Efficient-Large-Model/LongLive-1.3B",
            path="models/longlive_base.pt",
            sha256="10a2aa8fcf89c77d9033f4c117405412a690e289625766619d293f0c5a208ee7",
        ),
        HubFile(
            repo="Efficient-Large-Model/LongLive-1.3B",
            path="models/lora.pt",
            sha256="c4e43b87d62d4b0614b496773639f1ab170a7ee486dc23407901e9d3a5ebc07a",
        ),
    ),
)

KREA = Model(
    name="krea-14b",
    summary="KREA Realtime 14B: the largest, for one large GPU",
    licence=_KREA_LICENCE,
    gpu="40 GB",  # README of github.com/krea-ai/realtime-video: 40 GB or more recommended
    sizes=_SIZES,
    control="vace-14b",
    needs=_SHARED,
    about_bytes=28_580_000_000,  # the hub's listing, rounded; neither size nor sha256 was found
    files=(
        HubFile(
            repo="krea/krea-realtime-video",
            path="krea-realtime-video-14b.safetensors",
            revision="6b5d204f9d14c3c3a59608e49d1da7fad90daf8d",
            mark=Mark("patch_embedding.weight", (5120, 16, 1, 2, 2)),
        ),
    ),
)

VACE_SMALL = Model(
    name="vace-1.3b",
    summary="VACE control for the 1.3B models",
    licence=_apache(),  # card of the repository
    gpu="2 GB more",  # 15 blocks of 46 M parameters in bfloat16, and what they compute with
    files=(  # the whole checkpoint in float32: its stack alone has no official file
        HubFile(
            repo="Wan-AI/Wan2.1-VACE-1.3B",
            path="diffusion_pytorch_model.safetensors",
            size_bytes=7_146_067_848,
            sha256="c46a6f5f7d32c453c3983bbc59761ea41cd02ad584fb55d1a7ee2b76145847a2",
            mark=Mark("vace_patch_embedding.weight", (1536, 96, 1, 2, 2)),
        ),
    ),
)

VACE_LARGE = Model(
    name="vace-14b",
    summary="VACE control for KREA Realtime 14B",
    licence=_apache(),  # of Wan-AI/Wan2.1-VACE-14B, whose stack this is; the copy names none
    gpu="7 GB more",
    files=(  # the stack alone in bfloat16: the official checkpoint is 75 GB
        HubFile(
            repo="Kijai/WanVideo_comfy",
            path="Wan2_1-VACE_module_14B_bf16.safetensors",
            size_bytes=6_098_227_873,
            sha256="66a4bd41ec0fc58f1ff6d1313e06cd9a4c24ab60171a5846937536f8d4de6a65",
            mark=Mark("vace_patch_embedding.weight", (5120, 96, 1, 2, 2)),
        ),
    ),
)

WAN_VAE = Model(
    name="wan2.1-vae",
    summary="Wan 2.1 autoencoder, shared by the models above",
    licence=_apache(),  # card of the repository
    gpu="3 GB more",  # 0.5 GB, and 1.9 GB of decoder cache at 832x480 (causal-wan.md section 7)
    files=(
        HubFile(
            repo=_WAN,
            path="Wan2.1_VAE.pth",
            revision=_WAN_REVISION,
            size_bytes=507_609_880,
            sha256="38071ab59bd94681c686fa51d75a1968f64e470262043be31f7a094e442fd981",
        ),
    ),
)

TAEW = Model(
    name="taew2.1",
    summary="Tiny autoencoder for Wan 2.1: faster, a little softer",
    licence=_MIT,
    gpu="1 GB more",
    files=(  # upstream, github.com/madebyollin/taehv, is not on the hub; this copy is byte for byte
        HubFile(
            repo="OzzyGT/taew2_1",
            path="taew2_1.safetensors",
            size_bytes=22_642_902,
            sha256="04766eac0221b5390b985ae3fdcca652cbb4b1e8b82b28ea7ff89dfad1b1a93f",
            mark=Mark("decoder.13.conv.weight", (256, 128, 1, 1)),
        ),
    ),
)

UMT5 = Model(
    name="umt5-xxl",
    summary="Text encoder UMT5-XXL with its tokenizer, shared by the models above",
    licence=_apache(),  # card of the repository, and that of google/umt5-xxl
    gpu="12 GB more, or none with the encoder in CPU memory",
    files=(
        HubFile(
            repo=_WAN,
            path="models_t5_umt5-xxl-enc-bf16.pth",
            revision=_WAN_REVISION,
            size_bytes=11_361_920_418,
            sha256="7cace0da2b446bbbbc57d031ab6cf163a3d59b366da94e5afe36745b746fd81d",
        ),
        HubFile(
            repo=_WAN,
            path="google/umt5-xxl/spiece.model",
            revision=_WAN_REVISION,
            size_bytes=4_548_313,
            sha256="e3909a67b780650b35cf529ac782ad2b6b26e6d1f849d3fbb6a872905f452458",
        ),
    ),
)

DEPTH = Model(
    name="depth",
    summary="Control map depth: what is near steers, with any model",
    licence=_apache(),  # card of the repository; the larger sizes are not commercial
    gpu="1 GB more, or none on a CPU",
    files=(  # size and sha256: six projects that hold the file against them agree
        HubFile(
            repo="depth-anything/Depth-Anything-V2-Small",
            path="depth_anything_v2_vits.pth",
            size_bytes=99_218_434,
            sha256="715fade13be8f229f8a70cc02066f656f2423a59effd0579197bbf57860e1378",
        ),
    ),
)

VIDEO_DEPTH = Model(
    name="video-depth",
    summary="Steadier depth: sees frames over time, takes the place of depth",
    licence=_apache(),  # card of the repository; the larger sizes are not commercial
    gpu="1 GB more, or none on a CPU",
    files=(  # size and sha256: eight projects that hold the file against them agree
        HubFile(
            repo="depth-anything/Video-Depth-Anything-Small",
            path="video_depth_anything_vits.pth",
            size_bytes=116_440_756,
            sha256="13379300b739e659f076a59d52e9801bd8d38c541a7e71f73bbca4dcfb013609",
        ),
    ),
)

PERSON = Model(
    name="person",
    summary="Control map and mask person: people steer, or are redrawn",
    licence=_apache(),  # model card of MediaPipe's selfie segmentation
    gpu="none",
    files=(  # a copy: MediaPipe is not on the hub. The sum is the one that it builds with
        HubFile(
            repo="webml/models",
            path="selfie_segmentation.tflite",
            size_bytes=249_505,
            sha256="9ee168ec7c8f2a16c56fe8e1cfbc514974cbbb7e434051b455635f1bd1462f5c",
        ),
    ),
)

CATALOGUE: tuple[Model, ...] = (
    HOUSE, SELF_FORCING, LONGLIVE, KREA, VACE_SMALL, VACE_LARGE, WAN_VAE, TAEW, UMT5, DEPTH,
    VIDEO_DEPTH, PERSON,
)  # fmt: skip


def find(name: str, catalogue: tuple[Model, ...] = CATALOGUE) -> Model:
    """Return a row.

    Raises:
        ConfigError: there is none of that name; names them all.
    """
    for model in catalogue:
        if model.name == name:
            return model
    known = ", ".join(model.name for model in catalogue)
    raise ConfigError(f"model {name!r} does not exist; choose one of: {known}")


def with_needs(name: str, catalogue: tuple[Model, ...] = CATALOGUE) -> tuple[Model, ...]:
    """Return a row after the rows that it needs: small shared files first, each once."""
    model = find(name, catalogue)
    before = [found for need in model.needs for found in with_needs(need, catalogue)]
    return tuple(dict.fromkeys((*before, model)))
