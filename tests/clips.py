"""Video files for tests, made when they are needed: every frame has a colour of its own."""

import struct
from fractions import Fraction

import av
import numpy as np

TIME_BASE = Fraction(1, 1000)


def colour(index, num_frames=16):
    """RGB that tells frames apart after lossy compression: from blue to red."""
    share = index / max(1, num_frames - 1)
    return np.array([40 + 180 * share, 60, 220 - 180 * share], np.uint8)


def write_clip(path, times_ms, size=(96, 64), codec="libx264", pictures=None):
    """Write one frame per time stamp; `pictures` replaces the plain colours."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"qp": "4", "bf": "0"})
        stream.width, stream.height = size
        is_even = size[0] % 2 == 0 and size[1] % 2 == 0
        stream.pix_fmt = "yuv420p" if is_even else "yuv444p"
        stream.time_base = stream.codec_context.time_base = TIME_BASE
        for index, time_ms in enumerate(times_ms):
            plain = np.broadcast_to(colour(index, len(times_ms)), (size[1], size[0], 3)).copy()
            pixels = plain if pictures is None else pictures[index]
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = time_ms, TIME_BASE
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn_clockwise(path):
    """Write a quarter turn into the display matrix of an MP4, as a phone held upright does."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    one = 1 << 16
    data[at : at + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path
