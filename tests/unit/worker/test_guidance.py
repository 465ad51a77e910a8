"""Pictures that a plan names steer its chunk; masks are made of pictures and of the source."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.errors import WeightsError
from engine.protocol.guides import NO_GUIDES
from engine.protocol.orders import DropStill, StoreStill
from engine.protocol.parameters import CONTROL_KINDS
from engine.protocol.values import Guides, Mask
from engine.worker.models.wan.tae import TAE
from engine.worker.preprocess.base import Preprocessor
from tests.tiny_worker import FRAMES_PER_CHUNK, SIZE_PX, plan, tiny_vace_model, tiny_worker

NOTHING = float(CONTROL_KINDS.index("none"))
CONTROL = {"steps": 1.0, "control_amount": 1.0, "control_kind": 1.0, "mask_threshold": 0.5}
BARE = CONTROL | {"control_kind": NOTHING}


def picture(seed):
    return np.random.default_rng(seed).integers(0, 256, (SIZE_PX, SIZE_PX, 3), np.uint8)


def half(value=255):
    image = np.zeros((SIZE_PX, SIZE_PX, 3), np.uint8)
    image[:, : SIZE_PX // 2] = value
    return image


def store(worker, key, pixels, *, is_reference=False):
    with torch.inference_mode():
        worker.loop.guidance.store(
            StoreStill(
                key=key, width_px=SIZE_PX, height_px=SIZE_PX, pixels=pixels.tobytes(),
                is_reference=is_reference,
            )
        )  # fmt: skip


def store_all(worker):
    store(worker, "r1", picture(1), is_reference=True)
    store(worker, "r2", picture(2), is_reference=True)
    store(worker, "f", picture(3))
    store(worker, "m", half())


def played(guides_of_chunks, parameters=CONTROL, *, costly=None, source=True):
    """Return the reports of chunks with these guides."""
    with tiny_worker(tiny_vace_model(), costly=costly) as worker:
        store_all(worker)
        reports = []
        for index, guides in enumerate(guides_of_chunks):
            newest = worker.deliver(FRAMES_PER_CHUNK) if source else None
            while costly and worker.preprocess.costly_lane.step():
                pass
            reports.append(
                worker.run(plan(index, parameters=parameters, input_until=newest, guides=guides))
            )
        return reports


def crcs(*arguments, **options):
    return [report.frames_crc32 for report in played(*arguments, **options)]


@pytest.mark.parametrize(
    ("guides", "names"),
    [
        (Guides(references=("r1",)), ("reference",)),
        (Guides(references=("r1", "r2")), ("references",)),
        (Guides(first_frame="f"), ("first frame",)),
        (Guides(last_frame="f"), ("last frame",)),
        (Guides(mask=Mask(kind="image", image="m")), ("mask",)),
        (Guides(mask=Mask(kind="luminance")), ("mask",)),
        (Guides(mask=Mask(kind="image", image="m"), references=("r1",), first_frame="f"),
         ("mask", "reference", "first frame")),
    ],
)  # fmt: skip
def test_each_guide_steers_and_the_report_says_so(guides, names):
    (plain,), (report,) = played([NO_GUIDES]), played([guides])
    assert report.guides == names
    assert plain.guides == ()
    assert report.frames_crc32 != plain.frames_crc32
    assert report.guide_refusal == ""


def test_another_picture_another_order_or_the_other_side_makes_another_chunk():
    wanted = [
        Guides(references=("r1",)),
        Guides(references=("r2",)),
        Guides(references=("r1", "r2")),
        Guides(references=("r2", "r1")),
        Guides(mask=Mask(kind="image", image="m")),
        Guides(mask=Mask(kind="image", image="m", inverted=True)),
        Guides(mask=Mask(kind="luminance")),
        Guides(mask=Mask(kind="luminance", inverted=True)),
    ]
    assert len({crcs([guides])[0] for guides in wanted}) == len(wanted)


def test_guides_end_with_the_plan_that_does_not_name_them():
    with_them = crcs([Guides(references=("r1",), mask=Mask(kind="image", image="m")), NO_GUIDES])
    without = crcs([NO_GUIDES, NO_GUIDES])
    reports = played([Guides(references=("r1",)), NO_GUIDES])
    assert with_them[1] != without[1]  # its context remembers them
    assert [report.guides for report in reports] == [("reference",), ()]


def test_a_reference_is_encoded_once_and_between_chunks(monkeypatch):
    plain, calls = TAE.encode, []

    def counted(self, frames, *rest):
        calls.append(frames.shape)
        return plain(self, frames, *rest)

    monkeypatch.setattr(TAE, "encode", counted)
    with tiny_worker(tiny_vace_model()) as worker:
        store(worker, "r1", picture(1), is_reference=True)
        stored = len(calls)
        for index in range(3):
            worker.run(plan(index, parameters=CONTROL, guides=Guides(references=("r1",))))
    assert stored == 1
    assert all(shape[1] == FRAMES_PER_CHUNK for shape in calls[stored:])


def test_a_threshold_moves_what_a_mask_marks():
    with tiny_worker(tiny_vace_model()) as worker:
        store(worker, "grey", half(100))
        kept = []
        for threshold in (0.2, 0.6):
            newest = worker.deliver(FRAMES_PER_CHUNK)
            parameters = CONTROL | {"mask_threshold": threshold}
            guides = Guides(mask=Mask(kind="image", image="grey"))
            worker.run(plan(0, parameters=parameters, input_until=newest, guides=guides))
            kept.append(int(worker.loop.vace._mask.sum()))
    assert kept[0] == FRAMES_PER_CHUNK * SIZE_PX * SIZE_PX // 2
    assert kept[1] == 0


def test_a_mask_needs_no_control_map_and_no_map_steers_without_one():
    masked = Guides(mask=Mask(kind="image", image="m"))
    (report,) = played([masked], BARE)
    assert report.guides == ("mask",)
    assert report.condition is not None
    assert played([NO_GUIDES], BARE)[0].condition is None


def test_a_mask_without_a_source_has_nothing_to_keep():
    (report,) = played([Guides(mask=Mask(kind="image", image="m"))], source=False)
    assert (report.guides, report.guide_refusal) == ((), "")


class Everywhere(Preprocessor):
    """Marks the left half, as a person who stands there would be."""

    kind = "person"

    def reset(self):
        pass

    def follow(self, frame):
        field = np.zeros((SIZE_PX // 2, SIZE_PX // 2), np.float32)
        field[:, : SIZE_PX // 4] = 1
        return field


def test_a_person_masks_while_another_map_steers():
    masked = Guides(mask=Mask(kind="person"))
    reports = played([masked, masked], costly={"person": Everywhere})
    assert [report.guides for report in reports] == [(), ("mask",)]
    assert reports[1].control_kind == "luminance"


def test_a_persons_mask_is_the_same_as_a_picture_of_it():
    by_person = played([NO_GUIDES, Guides(mask=Mask(kind="person"))], BARE,
                       costly={"person": Everywhere})  # fmt: skip
    assert by_person[1].guides == ()  # asked for in this chunk, so there in the next
    masked = [NO_GUIDES, Guides(mask=Mask(kind="person")), Guides(mask=Mask(kind="person"))]
    drawn = [*masked[:2], Guides(mask=Mask(kind="image", image="m"))]
    assert (
        crcs(masked, BARE, costly={"person": Everywhere})[2]
        == crcs(drawn, BARE, costly={"person": Everywhere})[2]
    )


def test_a_mask_that_cannot_be_is_said_and_all_is_redrawn():
    def build():
        raise WeightsError("person model: selfie.tflite is missing; put it there")

    masked = Guides(mask=Mask(kind="person"), references=("r1",))
    last = played([masked] * 2, costly={"person": build})[-1]
    assert last.guide_refusal == (
        "mask: control map person: person model: selfie.tflite is missing; put it there; "
        "everything is redrawn"
    )
    assert last.control_refusal == ""
    assert last.guides == ("reference",)


def test_a_picture_that_never_came_is_left_out_with_a_sentence():
    (report,) = played([Guides(references=("r1", "nowhere"))])
    assert report.guides == ("reference",)
    assert "the picture nowhere is not with the generator" in report.guide_refusal


def test_a_picture_that_comes_late_is_used_from_then_on():
    guides = Guides(mask=Mask(kind="image", image="late"))
    with tiny_worker(tiny_vace_model()) as worker:
        reports = []
        for index in range(2):
            newest = worker.deliver(FRAMES_PER_CHUNK)
            reports.append(
                worker.run(plan(index, parameters=CONTROL, input_until=newest, guides=guides))
            )
            store(worker, "late", half())
    assert [report.guides for report in reports] == [(), ("mask",)]


def test_a_dropped_picture_is_gone():
    with tiny_worker(tiny_vace_model()) as worker:
        store_all(worker)
        worker.loop.guidance.drop(DropStill(key="f"))
        worker.loop.guidance.drop(DropStill(key="never was"))
        report = worker.run(plan(0, parameters=CONTROL, guides=Guides(first_frame="f")))
    assert report.guides == ()


def test_a_model_without_a_stack_plays_on_without_guides():
    with tiny_worker() as worker:
        store_all(worker)
        plain = worker.run(plan(0)).frames_crc32
    with tiny_worker() as worker:
        report = worker.run(plan(0, guides=Guides(references=("r1",))))
    assert (report.frames_crc32, report.guides) == (plain, ())


def test_a_replay_needs_no_picture():
    guides = [
        Guides(references=("r1",), first_frame="f", mask=Mask(kind="image", image="m")),
        Guides(references=("r1", "r2"), mask=Mask(kind="luminance", inverted=True)),
        Guides(last_frame="f"),
        NO_GUIDES,
    ]
    reports = played(guides)
    with tiny_worker(tiny_vace_model()) as worker:
        for index, (wanted, report) in enumerate(zip(guides, reports, strict=True)):
            again = plan(
                index, parameters=CONTROL, guides=wanted, recorded_condition=report.condition
            )
            assert worker.run(again).frames_crc32 == report.frames_crc32


def test_a_mask_that_is_kept_ready_is_there_when_its_cut_lands():
    masked = Guides(mask=Mask(kind="person"))
    with tiny_worker(tiny_vace_model(), costly={"person": Everywhere}) as worker:
        worker.loop.keep_masks_ready(("person", "luminance"))
        newest = worker.deliver(FRAMES_PER_CHUNK)
        while worker.preprocess.costly_lane.step():
            pass
        reports = [
            worker.run(plan(n, parameters=CONTROL, input_until=newest, guides=masked))
            for n in range(2)
        ]
    assert [report.guides for report in reports] == [("mask",), ("mask",)]
    assert reports[0].control_kind == "luminance"


def test_nothing_is_kept_ready_for_a_model_without_masks():
    with tiny_worker(costly={"person": Everywhere}) as worker:
        worker.loop.keep_masks_ready(("person",))
        worker.deliver(2)
        assert not worker.preprocess.costly_lane.step()
