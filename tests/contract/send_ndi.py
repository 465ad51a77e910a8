"""Send the test pattern over NDI from a process of its own until it is killed: NAME [RATE]."""

import sys

import cv2
import NDIlib

from engine.host.sources.test_pattern import draw


def main(name, rate_fps=30):
    NDIlib.initialize()
    sender = NDIlib.send_create(NDIlib.SendCreate(p_ndi_name=name, clock_video=True))
    if sender is None:
        sys.exit(f"the NDI name {name!r} is taken")
    video = NDIlib.VideoFrameV2()
    video.FourCC = NDIlib.FOURCC_VIDEO_TYPE_BGRX
    video.frame_rate_N, video.frame_rate_D = rate_fps, 1
    video.timecode = NDIlib.SEND_TIMECODE_SYNTHESIZE
    sys.stdout.write("sending\n")
    sys.stdout.flush()
    for index in range(10**6):
        pixels = cv2.cvtColor(draw(index), cv2.COLOR_RGB2BGRA)
        video.data = pixels
        NDIlib.send_send_video_v2(sender, video)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
