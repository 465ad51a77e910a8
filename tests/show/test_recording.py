"""Recordings that an app starts and stops in mid-show."""

from __future__ import annotations

import asyncio

import av

from engine.protocol.messages import (
    CommandAccepted,
    CommandRefused,
    SetOutput,
    StartRecording,
    StopRecording,
)
from engine.protocol.values import OutputSpec
from tests.host_process import attached, host_process


def played(script):
    async def run(host):
        async with attached(host) as client:
            await client.state(lambda s: s.playout.mode == "live")
            return await script(client)

    with host_process() as host:
        return asyncio.run(run(host))


def frames_of(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


def test_a_recording_holds_moving_pictures_from_its_start_to_its_stop(tmp_path):
    film = tmp_path / "films" / "a.mp4"

    async def script(client):
        await client.ask(StartRecording(path=str(film)))
        await client.state(lambda s: any(o.name == "recording" and o.sent > 20 for o in s.outputs))
        during = await client.state()
        await client.ask(StopRecording())
        return during, await client.state(lambda s: not s.recording)

    during, after = played(script)
    frames = frames_of(film)
    assert (during.recording, after.recording) == (str(film), "")
    assert len(frames) > 20
    assert abs(frames[0].astype(int) - frames[-1]).mean() > 2


def test_without_a_path_it_goes_to_the_recordings_folder(segue_home):
    async def script(client):
        answer = await client.ask(StartRecording())
        await client.ask(StopRecording())
        return answer

    assert f"recording to {segue_home / 'recordings'}" in played(script).effect


def test_a_second_recording_and_a_stop_without_one_are_refused(tmp_path):
    async def script(client):
        none = await client.ask(StopRecording())
        await client.ask(StartRecording(path=str(tmp_path / "a.mp4")))
        return none, await client.ask(StartRecording(path=str(tmp_path / "b.mp4")))

    answers = played(script)
    assert all(isinstance(answer, CommandRefused) for answer in answers)
    assert not (tmp_path / "b.mp4").exists()


def test_a_failed_recording_does_not_stand_in_the_way_of_the_next(tmp_path):
    (tmp_path / "a.mp4").mkdir()  # cannot be written

    async def script(client):
        await client.ask(StartRecording(path=str(tmp_path / "a.mp4")))
        failed = await client.state(lambda s: any(o.status == "failed" for o in s.outputs))
        return failed, await client.ask(StartRecording(path=str(tmp_path / "b.mp4")))

    failed, answer = played(script)
    assert failed.recording == ""
    assert isinstance(answer, CommandAccepted)


def test_the_output_changes_size_and_rate_in_mid_show():
    async def script(client):
        spec = OutputSpec(width_px=320, height_px=180, rate_numerator=25, ndi=False)
        await client.ask(SetOutput(output=spec))
        good = await client.state(lambda s: s.rates.output_target_fps == 25)
        odd = await client.ask(SetOutput(output=OutputSpec(width_px=321, height_px=180)))
        return good, odd, await client.state()

    good, odd, after = played(script)
    assert (good.output.width_px, after.output) == (320, good.output)
    assert "even number" in odd.reason
