"""The colours of the judge: shapes stay, palette and heads learn, drawn clips are kept."""

import pytest
import torch

from engine.bench.classifier import PictureClassifier, load_classifier, seen_colours
from training.checkpoints import save_weights
from training.palette import PaletteRun, drawn_clips, see, train
from training.runtime import start_runtime


@pytest.fixture
def run(tmp_path):
    return PaletteRun(
        seconds=2, out=tmp_path, state=tmp_path, clips=16, copies=2, batch_size=16, full_px=32
    )


def test_clips_are_drawn_once_and_a_broken_off_run_goes_on_where_it_stopped(run):
    runtime = start_runtime()
    whole = drawn_clips(run, runtime)
    (run.state / "palette-clips.pt").unlink()
    fewer = PaletteRun(**{**{f: getattr(run, f) for f in run.__slots__}, "clips": 8})
    drawn_clips(fewer, runtime)
    again = drawn_clips(run, runtime)
    assert torch.equal(again.clips, whole.clips)
    assert torch.equal(again.colours, whole.colours)


def test_what_was_seen_before_gives_the_same_answer_as_looking_now(run):
    torch.manual_seed(1)
    net = PictureClassifier().eval()
    clips = torch.rand(3, 12, 3, 32, 32)
    with torch.no_grad():
        now = net(clips)
        kept = net.answer(*net.seen_shapes(clips), seen_colours(clips))
    assert all(torch.equal(a, b) for a, b in zip(now, kept, strict=True))


def test_only_palette_and_heads_are_trained_and_the_bench_can_load_them(run):
    runtime = start_runtime()
    runtime.rng(run.seed)
    net = PictureClassifier()
    before = {name: p.clone() for name, p in net.named_parameters()}
    average = train(net, see(net, drawn_clips(run, runtime), run.copies), run, runtime)
    changed = {
        name.partition(".")[0]
        for name, p in average.named_parameters()
        if not torch.equal(p, before[name])
    }
    assert changed == {"palette", "family_head", "colour_head"}
    save_weights(average, run.out / "classifier.safetensors")
    load_classifier(torch.device("cpu"), run.out / "classifier.safetensors")
