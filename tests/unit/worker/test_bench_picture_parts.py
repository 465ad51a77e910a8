"""The proof from end to end with random weights at a small size, and what its parts decide."""

import json
import random

import cv2
import pytest
import torch
from safetensors.torch import save_file

from engine.bench import picture, picture_stage
from engine.bench.classifier import PictureClassifier
from engine.bench.picture_control_part import conditions, follow, known
from engine.bench.picture_drift_part import by_period
from engine.bench.picture_measures import measured
from engine.bench.picture_play import rgb
from engine.bench.picture_prompts import (
    CONTROL_PROMPTS,
    DRIFT_PROMPTS,
    SWITCH_PAIRS,
    bench_prompts,
    caption_of,
    later,
)
from engine.bench.picture_report import BEGIN_MARK, END_MARK
from engine.bench.picture_stage import spread
from engine.visuals.canvas import Canvas
from engine.visuals.clips import ClipSettings, draw_clips
from engine.visuals.controls import NUM_PARAMETERS
from engine.visuals.looks import FPS, paint
from engine.worker.conditions import from_bytes
from engine.worker.models.house.text import parse_prompt
from engine.worker.models.house.vocabulary import FAMILIES, NULL_WORD, SPEEDS, WORDS

CPU = torch.device("cpu")
TINY = picture_stage.Amounts(
    prompts=2, chunks=2, source_draws=1, source_chunks=2, codec_chunks=2, own_clips=2,
    drift_prompts=1, drift_chunks=4, drift_periods=2, pairs=1, before_cut=3, after_cut=5,
    control_prompts=1, control_kinds=2, control_chunks=2,
    variety_prompts=1, variety_seeds=2, variety_chunks=2,
)  # fmt: skip


# ---------------------------------------------------------------- prompts


def test_every_word_of_the_vocabulary_is_played():
    said = {word for prompt in bench_prompts() for word in prompt.split()}
    assert said == set(WORDS) - {NULL_WORD}


def test_every_family_has_its_prompt_and_every_prompt_is_read_as_it_is_written():
    prompts = bench_prompts()
    assert [caption_of(prompt).family for prompt in prompts] == list(FAMILIES)
    for prompt in (*prompts, *DRIFT_PROMPTS, *CONTROL_PROMPTS, *sum(SWITCH_PAIRS, ())):
        parsed = parse_prompt(prompt)
        assert parsed.caption == prompt
        assert not parsed.ignored


def test_the_renderer_draws_the_caption_that_the_model_plays():
    caption = caption_of("fast gold white beams neon")
    look = caption.look(random.Random(1))
    assert look.ids() == parse_prompt(caption.prompt).ids
    assert [len(caption.colour_indices), caption.modifiers] == [2, ("neon",)]


def test_a_later_look_goes_on_where_the_earlier_one_stopped():
    look, canvas = caption_of(DRIFT_PROMPTS[0]).look(random.Random(1)), Canvas.of(32, 32)
    whole = paint([look], 24, CPU, canvas).rgb()
    second = paint([later(look, 12 / FPS, SPEEDS[look.speed])], 12, CPU, canvas).rgb()
    torch.testing.assert_close(second, whole[:, 12:], atol=2e-3, rtol=0)


def test_prompts_are_spread_over_the_list():
    assert spread(["a", "b", "c", "d"], 2) == ["a", "c"]
    assert spread(["a", "b"], 5) == ["a", "b"]


# ---------------------------------------------------------------- parts


def test_periods_are_equal_and_the_first_leaves_its_settling_chunks_out():
    levels = torch.arange(12 * 10, dtype=torch.uint8).div(12, rounding_mode="floor") * 20
    frames = torch.zeros(120, 3, 16, 16, dtype=torch.uint8)
    frames[:, 0] = levels.view(-1, 1, 1)  # saturation of chunk n is 20 n / 255
    found = by_period(measured(frames), 2, "saturation")
    assert [255 * value for value in found] == pytest.approx([20 * 3, 20 * 7])


def test_conditions_are_chunks_of_bytes_as_a_take_records_them():
    maps = torch.rand(24, 4, 4)
    first, second = (from_bytes(data, CPU).control for data in conditions(maps))
    assert first.shape == (12, 4, 4)
    assert abs(torch.from_numpy(second) / 255 - maps[12:]).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("kind", ["dancer", "blobs"])
def test_the_renderers_own_clip_follows_its_map_and_lives_outside_as_it_should(kind):
    look = caption_of("medium orange purple cells").look(random.Random(2))
    canvas = Canvas.of(128, 128)
    p = torch.rand(1, NUM_PARAMETERS, generator=torch.Generator().manual_seed(1))
    settings = ClipSettings(num_frames=24, canvas=canvas)
    batch = draw_clips([look], [None], [kind], p, settings)
    frames = (batch.frames[0] * 255).round().to(torch.uint8)
    free = (paint([look], 24, CPU, canvas).rgb()[0] * 255).round().to(torch.uint8)
    followed = follow(kind, frames, free, batch.control[0].flatten(0, 1))
    assert followed.right() > 0.7
    assert followed.late() < followed.right()
    assert followed.light_outside < 0.6
    assert followed.outside is not None
    assert followed.outside.motion == pytest.approx(1, abs=0.05)
    assert followed.outside.contrast == pytest.approx(1, abs=0.05)


def test_a_show_that_ignores_its_map_does_not_follow_it():
    generator = torch.Generator().manual_seed(3)
    maps = torch.zeros(24, 8, 8)
    maps[:, 2:6, 2:4] = 1
    free = torch.randint(0, 256, (24, 3, 64, 64), generator=generator).to(torch.uint8)
    assert abs(follow("made up", free, free, maps).right()) < 0.2


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_an_empty_or_a_full_map_has_nothing_to_follow(level):
    free = torch.full((24, 3, 64, 64), 100, dtype=torch.uint8)
    followed = follow("made up", free, free, torch.full((24, 8, 8), level))
    assert (followed.right(), followed.late()) == (None, None)
    assert known([None, followed.right(), 0.5]) == 0.5


def test_frames_of_the_ring_become_rgb():
    bgrx = torch.tensor([[[[1, 2, 3, 0]]]], dtype=torch.uint8).numpy()
    assert rgb(bgrx, CPU).flatten().tolist() == [3, 2, 1]


# ---------------------------------------------------------------- the command


@pytest.fixture
def judge(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "classifier.safetensors"
    save_file(PictureClassifier().state_dict(), path)
    return path


def test_the_whole_proof_runs_on_the_real_loop_and_writes_everything(
    tmp_path, judge, monkeypatch, capsys
):
    monkeypatch.setattr(picture, "QUICK", TINY)
    document = tmp_path / "doc.md"
    document.write_text(f"text\n{BEGIN_MARK}\n{END_MARK}\n")
    run = tmp_path / "run.json"
    arguments = [
        "--quick", "--model", "untrained", "--size", "64", "--device", "cpu",
        "--classifier", str(judge),
    ]  # fmt: skip
    assert picture.main([*arguments, "--json", str(run), "--sheets", str(tmp_path / "s")]) == 0
    found = json.loads(run.read_text())
    assert [part["name"].split()[0] for part in found["parts"]] == list(picture.PARTS)
    keys = [line["key"] for part in found["parts"] for line in part["lines"]]
    assert len(keys) == len(set(keys))
    assert found["setting"]["size"] == "64x64"
    for sheet in ("prompts-1", "drift", "switches", "control-1", "variety"):
        assert cv2.imread(str(tmp_path / "s" / f"{sheet}.jpg")) is not None
    again = [*arguments, "--parts", "variety", "--against", str(run), "--markdown", str(document)]
    capsys.readouterr()
    assert picture.main(again) == 0
    printed = capsys.readouterr().out
    row = next(line for line in printed.splitlines() if "difference between seeds" in line)
    value, _, before = row.split()[-3:]
    assert value == before
    assert "difference between seeds" in document.read_text()


def test_a_show_without_presets_is_refused(tmp_path, capsys):
    (tmp_path / "show.toml").write_text('schema_version = 1\nname = "s"\n')
    assert picture.main([str(tmp_path)]) == 2
    assert "lists no presets" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--parts", "prompts,speed"], "--parts speed"),
        (["--size", "big"], "--size big"),
        (["--chunks", "1"], "--chunks 1"),
        (["--against", "nowhere.json"], "nowhere.json cannot be compared"),
        (["--markdown", "nowhere.md"], "put both there first"),
        (["--classifier", "nowhere.safetensors", "--model", "untrained"], "is missing"),
        (["--model", "nowhere"], "model 'nowhere' does not exist"),
        (["presets/first-light", "--json", "file.json"], "give --json alone"),
    ],
)
def test_a_wrong_argument_is_refused_in_one_sentence(arguments, message, capsys):
    assert picture.main(["--quick", "--device", "cpu", *arguments]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_the_presets_of_a_show_are_measured_and_shown(tmp_path, capsys):
    show = tmp_path / "show"
    show.mkdir()
    (show / "show.toml").write_text(
        'schema_version = 1\nname = "s"\npresets = ["a"]\n[model]\nname = "untrained"\n'
        'width_px = 64\nheight_px = 64\ndevice = "cpu"\n'
    )
    (show / "a.toml").write_text('schema_version = 1\nname = "Dawn"\nprompt = "slow red flames"\n')
    assert picture.main([str(show), "--chunks", "2", "--out", str(tmp_path / "sheet.png")]) == 0
    assert capsys.readouterr().out.startswith("Dawn ")
    assert cv2.imread(str(tmp_path / "sheet.png")).shape == (128, 8 * 128, 3)
    assert picture.main([str(show), "--chunks", "2", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["name"] == "Dawn"
    assert row["seam_ratio"] == pytest.approx(row["chunk_seam"] / row["latent_seam"])
