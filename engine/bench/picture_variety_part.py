"""Part `variety`: do other seeds give other pictures of the same prompt?"""

from __future__ import annotations

from engine.bench.picture_measures import FRAMES_PER_CHUNK, pairwise_difference
from engine.bench.picture_prompts import VARIETY_STEP, bench_prompts, caption_of
from engine.bench.picture_report import Line, Part
from engine.bench.picture_sheets import Row, cells_of, evenly
from engine.bench.picture_stage import Stage, source_rng, spread

_EVERY = 6  # frames between those that are compared
_MOMENTS = 5


def play_variety(stage: Stage) -> Part:
    """Play prompts with several seeds; compare with clips of several random parameter sets.

    The number is the mean difference of all pairs at the same frames (without the first chunk),
    as a share of the same for the renderer: 1 is as varied, 0 is always the same picture.
    """
    amounts = stage.amounts
    shows, sources, rows = [], [], []
    prompts = spread(bench_prompts()[::VARIETY_STEP], amounts.variety_prompts)
    for prompt in prompts:
        clips = [
            stage.show(prompt, amounts.variety_chunks, seed=seed)
            for seed in range(1, amounts.variety_seeds + 1)
        ]
        caption, rng = caption_of(prompt), source_rng(prompt)
        drawn = [
            stage.drawn(caption.look(rng), amounts.variety_chunks)
            for _ in range(amounts.variety_seeds)
        ]
        compared = slice(FRAMES_PER_CHUNK, None, _EVERY)
        shows.append(pairwise_difference([clip[compared] for clip in clips]))
        sources.append(pairwise_difference([clip[compared] for clip in drawn]))
        stage.say(f"variety of {prompt}: {shows[-1]:.3f}, renderer {sources[-1]:.3f}")
        moments = evenly(len(clips[0]), _MOMENTS)
        rows += [
            Row(f"{prompt}, seed {seed + 1}", cells_of(clip, moments))
            for seed, clip in enumerate(clips)
        ]
    stage.write("variety", rows)
    line = Line(
        key="variety", label="difference between seeds, share of the renderer's",
        value=sum(shows) / sum(sources), ceiling=1.0,
    )  # fmt: skip
    by_prompt = {
        prompt: {"model": show, "renderer": source}
        for prompt, show, source in zip(prompts, shows, sources, strict=True)
    }
    return Part(name="variety", lines=(line,), details={"by prompt": by_prompt})
