"""Pictures between files and the worker: read once, sent once, never late without a word."""

from __future__ import annotations

import asyncio

import cv2
import msgspec
import numpy as np
import pytest

from engine.errors import ConfigError
from engine.host import guide_desk
from engine.host.guide_desk import MAX_STILLS, GuideDesk
from engine.protocol.guides import NO_GUIDES
from engine.protocol.orders import DropStill, KeepMasksReady, StoreStill
from engine.protocol.values import Cut, Guides, Mask
from tests.fakes import Notices, chunk_plan

SIZE = (32, 16)


class Worker:
    """Takes orders while it lives."""

    def __init__(self):
        self.orders = []
        self.lives = True

    def give(self, order):
        if self.lives:
            self.orders.append(order)
        return self.lives

    @property
    def keys(self):
        return [order.key for order in self.orders if isinstance(order, StoreStill)]


@pytest.fixture
def worker():
    return Worker()


@pytest.fixture
def notices():
    return Notices()


@pytest.fixture
def desk(worker, notices):
    found = GuideDesk(SIZE, worker.give, notices)
    found.on_ready(takes_guides=True)
    return found


def write(folder, number):
    path = folder / f"{number}.png"
    assert cv2.imwrite(str(path), np.full((16, 32, 3), number % 256, np.uint8))
    return str(path)


def run(work):
    return asyncio.run(work)


def test_a_plan_names_pictures_by_keys_that_the_worker_has(desk, worker, tmp_path):
    face, stage, start = (write(tmp_path, n) for n in range(3))
    guides = Guides(
        references=(face,), first_frame=start, mask=Mask(kind="image", image=stage, inverted=True)
    )
    run(desk.fetch(guides))
    found = desk.keyed(chunk_plan(0, guides=guides)).guides
    assert {*found.references, found.first_frame, found.mask.image} == set(worker.keys)
    assert found.mask.inverted
    stills = [order for order in worker.orders if isinstance(order, StoreStill)]
    assert [still.is_reference for still in stills].count(True) == 1


def test_a_model_of_another_size_gets_the_pictures_at_its_own(desk, worker, tmp_path):
    guides = Guides(references=(write(tmp_path, 1),))

    async def change():
        await desk.fetch(guides)
        before = desk.keyed(chunk_plan(0, guides=guides)).guides.references
        desk.resize((64, 64))
        desk.on_ready(takes_guides=True)
        without = desk.keyed(chunk_plan(1, guides=guides)).guides.references
        await asyncio.gather(*desk._reading)
        return before, without, desk.keyed(chunk_plan(2, guides=guides)).guides.references

    before, without, after = run(change())
    assert without == ()
    assert len(before) == len(after) == 1
    old, new = (order for order in worker.orders if isinstance(order, StoreStill))
    assert ((old.width_px, old.height_px), old.key) == (SIZE, before[0])
    assert ((new.width_px, new.height_px), new.key) == ((64, 64), after[0])


def test_a_picture_that_was_read_for_the_model_before_is_not_kept(desk, monkeypatch, tmp_path):
    guides = Guides(references=(write(tmp_path, 1),))
    read_still = guide_desk.read_still

    def read_and_meanwhile(*what):
        found = read_still(*what)
        desk.resize((64, 64))
        return found

    monkeypatch.setattr(guide_desk, "read_still", read_and_meanwhile)

    async def change():
        await desk.fetch(guides)
        return desk.keyed(chunk_plan(0, guides=guides)).guides.references

    assert run(change()) == ()


def test_a_picture_is_sent_once_and_again_to_the_next_worker(desk, worker, tmp_path):
    guides = Guides(references=(write(tmp_path, 1),))
    run(desk.fetch(guides))
    for index in range(3):
        desk.keyed(chunk_plan(index, guides=guides))
    assert len(worker.keys) == 1
    desk.on_ready(takes_guides=True)
    desk.keyed(chunk_plan(4, guides=guides))
    assert worker.keys[0] == worker.keys[1]


def test_what_a_dead_worker_did_not_take_is_sent_to_the_living(desk, worker, tmp_path):
    guides = Guides(first_frame=write(tmp_path, 1))
    worker.lives = False
    run(desk.fetch(guides))
    worker.lives = True
    desk.keyed(chunk_plan(0, guides=guides))
    assert len(worker.keys) == 1


def test_a_file_that_changed_is_read_again(desk, worker, tmp_path):
    guides = Guides(first_frame=write(tmp_path, 1))
    run(desk.fetch(guides))
    cv2.imwrite(guides.first_frame, np.full((17, 32, 3), 200, np.uint8))
    run(desk.fetch(guides))
    assert len(set(worker.keys)) == 2


def test_a_file_that_went_away_after_it_was_read_is_still_played(desk, worker, tmp_path):
    path = tmp_path / "1.png"
    guides = Guides(first_frame=write(tmp_path, 1))
    run(desk.fetch(guides))
    path.unlink()
    assert desk.keyed(chunk_plan(0, guides=guides)).guides.first_frame in worker.keys
    with pytest.raises(ConfigError, match="no such file"):
        run(desk.fetch(guides))


def test_one_missing_picture_refuses_all_and_sends_nothing(desk, worker, tmp_path):
    with pytest.raises(ConfigError, match=r"hat\.png: no such file"):
        run(desk.fetch(Guides(references=(write(tmp_path, 1), str(tmp_path / "hat.png")))))
    assert worker.keys == []


def test_a_show_is_read_ahead_and_given_one_picture_a_chunk(desk, worker, notices, tmp_path):
    paths = [write(tmp_path, n) for n in range(3)]

    async def ahead():
        desk.announce([Guides(references=(path,)) for path in [*paths, "/nowhere.png"]])
        while desk._reading:
            await asyncio.sleep(0.01)

    run(ahead())
    counts = []
    for _ in range(5):
        desk.on_report("")
        counts.append(len(worker.keys))
    assert counts == [1, 2, 3, 3, 3]
    (said,) = notices.texts
    assert said.startswith("reference image /nowhere.png: no such file")
    assert "nothing was changed" not in said


def test_what_nobody_announced_comes_a_little_late_and_is_said(desk, worker, notices, tmp_path):
    guides = Guides(references=(write(tmp_path, 1),), first_frame="")

    async def late():
        first = desk.keyed(chunk_plan(0, guides=guides, cut=Cut.HARD))
        while desk._reading:
            await asyncio.sleep(0.01)
        return first, desk.keyed(chunk_plan(1, guides=guides))

    first, second = run(late())
    assert first.guides.references == ()
    assert second.guides.references == tuple(worker.keys)
    assert "is read only now" in notices.texts[0]


def test_what_cannot_be_read_is_tried_again_at_the_next_cut_and_not_before(desk, notices, tmp_path):
    path = tmp_path / "1.png"
    guides = Guides(references=(str(path),))

    async def play():
        found = []
        for index, cut in enumerate((Cut.HARD, Cut.NONE, Cut.NONE, Cut.HARD, Cut.NONE)):
            found.append(desk.keyed(chunk_plan(index, guides=guides, cut=cut)).guides)
            while desk._reading:
                await asyncio.sleep(0.01)
            if index == 1:
                write(tmp_path, 1)
        return found

    assert [bool(guides.references) for guides in run(play())] == [False] * 4 + [True]


def test_only_so_many_are_kept_and_the_worker_forgets_the_rest(desk, worker, tmp_path):
    for number in range(MAX_STILLS + 3):
        run(desk.fetch(Guides(first_frame=write(tmp_path, number))))
    dropped = [order.key for order in worker.orders if isinstance(order, DropStill)]
    assert dropped == worker.keys[:3]


def test_without_vace_the_rest_of_a_look_is_played_and_it_is_said_once(
    desk, worker, notices, tmp_path
):
    desk.on_ready(takes_guides=False)
    guides = Guides(references=("/nowhere.png",), first_frame="/nowhere.png")
    run(desk.fetch(guides))
    for index in range(3):
        of_chunk = guides if index == 0 else msgspec.structs.replace(guides, first_frame="")
        assert desk.keyed(chunk_plan(index, guides=of_chunk)).guides == NO_GUIDES
    assert worker.keys == []
    (said,) = notices.texts
    assert said.startswith("left out: reference, first frame; the model takes no masks")


def test_without_vace_guides_set_by_hand_are_refused_and_none_always_can_be(desk):
    desk.on_ready(takes_guides=False)
    desk.check_taken(NO_GUIDES)
    with pytest.raises(ConfigError, match=r"-vace; nothing was changed"):
        desk.check_taken(Guides(mask=Mask(kind="person")))


def test_a_refusal_of_the_worker_is_said_once_until_it_changes(desk, notices):
    for said in ("a", "a", "", "a", "b"):
        desk.on_report(said)
    assert notices.texts == ["a", "a", "b"]


def test_masks_of_the_show_are_kept_ready_by_every_worker(desk, worker):
    def kept():
        return [order.kinds for order in worker.orders if isinstance(order, KeepMasksReady)]

    async def announce(*kinds):
        desk.announce([Guides(mask=Mask(kind=kind)) for kind in kinds])

    run(announce("person", "none", "person"))
    desk.on_ready(takes_guides=True)
    run(announce("luminance"))
    assert kept() == [(), ("person",), ("person",), ("luminance",)]
