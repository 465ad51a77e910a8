"""The commit log: written before the chunk runs, readable after any end."""

from __future__ import annotations

import pytest

from engine.errors import ConfigError
from engine.host import take as takes
from engine.host.take import Take, read_take
from engine.protocol.messages import NoticeRaised
from engine.protocol.values import Look, Severity
from tests.fakes import Notices, chunk_plan, chunk_report, worker_ready


@pytest.fixture
def notices():
    return Notices()


@pytest.fixture
def take(tmp_path, notices):
    take = Take(tmp_path / "take", notices)
    take.write(takes.header(5, Look(prompt="ink"), worker_ready(), fake=True))
    yield take
    take.close()


def test_a_plan_can_be_read_as_soon_as_it_is_written(take):
    take.write(chunk_plan(0))
    assert b'"chunk_index":0' in (take.folder / takes.FILE_NAME).read_bytes().splitlines()[-1]


def test_plans_and_reports_come_back_in_pairs(take):
    for index in range(3):
        take.write(chunk_plan(index))
        take.write(chunk_report(index, frames_crc32=index))
    recording = read_take(take.folder)
    assert recording.header.show_seed == 5
    assert [chunk.plan for chunk in recording.chunks] == [chunk_plan(n) for n in range(3)]
    assert [chunk.report.frames_crc32 for chunk in recording.chunks] == [0, 1, 2]


def test_a_plan_whose_worker_died_is_counted_and_left_out(take):
    take.write(chunk_plan(0))
    take.write(worker_ready())
    take.write(chunk_plan(1))
    take.write(chunk_report(1))
    recording = read_take(take.folder)
    assert [chunk.plan.chunk_index for chunk in recording.chunks] == [1]
    assert recording.num_lost == 1


def test_a_condition_has_a_file_of_its_own(take):
    take.write(chunk_plan(12))
    take.write(chunk_report(12, condition=b"tensors", input_last=3))
    assert (take.folder / "conditions/000012.safetensors").read_bytes() == b"tensors"
    chunk = read_take(take.folder).chunks[0]
    assert (chunk.report.condition, chunk.condition()) == (None, b"tensors")


def test_a_missing_condition_is_told_by_name(take):
    take.write(chunk_plan(4))
    take.write(chunk_report(4, input_last=3))
    with pytest.raises(ConfigError, match=r"000004.safetensors is missing"):
        read_take(take.folder)


def test_notices_and_restarts_do_not_disturb_the_reader(take):
    notice = NoticeRaised(severity=Severity.FAULT, subject="worker", text="gone", at_s=1.0)
    for line in (chunk_plan(0), notice, worker_ready(), chunk_report(0)):
        take.write(line)
    assert len(read_take(take.folder / takes.FILE_NAME).chunks) == 1


def test_what_a_crash_cut_off_in_mid_line_is_ignored(take):
    take.write(chunk_plan(0))
    take.write(chunk_report(0))
    with (take.folder / takes.FILE_NAME).open("ab") as file:
        file.write(b'{"type":"ChunkPl')
    assert len(read_take(take.folder).chunks) == 1


def test_a_broken_line_is_told_by_file_and_line(take):
    with (take.folder / takes.FILE_NAME).open("ab") as file:
        file.write(b'{"type":"ChunkPlan","chunk_index":"one"}\n')
    with pytest.raises(ConfigError, match=r"take.jsonl:2: .*chunk_index"):
        read_take(take.folder)


@pytest.mark.parametrize("content", [b"", b'{"type":"PreparePrompt","text":""}\n', b"\xff\n"])
def test_a_file_that_is_no_take_is_refused(tmp_path, content):
    (tmp_path / takes.FILE_NAME).write_bytes(content)
    with pytest.raises(ConfigError, match=r"take.jsonl:1"):
        read_take(tmp_path)


def test_a_folder_without_a_take_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="give the folder of a take"):
        read_take(tmp_path / "none")


def test_a_full_disk_ends_the_take_with_one_notice_and_nothing_else(tmp_path, notices):
    (tmp_path / takes.FILE_NAME).symlink_to("/dev/full")  # every write: no space left on device
    take = Take(tmp_path, notices)
    for index in range(3):
        take.write(chunk_plan(index))
    assert not take.is_open
    assert len(notices.texts) == 1
    assert "No space left on device" in notices.texts[0]
    assert "the show goes on" in notices.texts[0]


def test_a_take_leaves_room_on_the_disk(tmp_path, notices):
    take = Take(tmp_path, notices, min_free_bytes=2**60)
    take.write(chunk_report(0, condition=b"tensors"))
    assert not take.is_open
    assert "MiB left on the disk" in notices.texts[0]
    assert list((tmp_path / "conditions").iterdir()) == []


def test_a_folder_that_cannot_be_made_is_one_notice(tmp_path, notices):
    (tmp_path / "file").touch()
    take = Take(tmp_path / "file" / "take", notices)
    take.write(chunk_plan(0))
    assert len(notices.texts) == 1


def test_two_takes_of_one_second_get_two_folders(tmp_path):
    folders = []
    for _ in range(3):
        folders.append(takes.new_folder(tmp_path))
        folders[-1].mkdir()
    assert len(set(folders)) == 3
