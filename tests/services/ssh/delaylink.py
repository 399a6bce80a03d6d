"""A slow link between two network namespaces, for kernels without netem.

Two TAP devices, frames handed on after a delay, some of them lost:
``delaylink.py NS_A IF_A NS_B IF_B DELAY_MS [LOSS_PERCENT]``
"""

from __future__ import annotations

import collections
import contextlib
import ctypes
import fcntl
import os
import random
import select
import struct
import sys
import time

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TAP_NO_PI = 0x0002 | 0x1000
LIBC = ctypes.CDLL(None, use_errno=True)


def enter(namespace: str) -> None:
    fd = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    if LIBC.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), f"setns {namespace}")
    os.close(fd)


def tap(namespace: str, name: str) -> int:
    enter(namespace)
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH14x", name.encode(), IFF_TAP_NO_PI))
    return fd


def forward(one: int, other: int, delay: float, loss: float) -> None:
    peer = {one: other, other: one}
    frames: collections.deque[tuple[float, int, bytes]] = collections.deque()
    while True:
        send_due(frames)
        wait = max(0.0, frames[0][0] - time.monotonic()) if frames else None
        for fd in select.select([one, other], [], [], wait)[0]:
            for frame in read_frames(fd):
                if random.random() >= loss:
                    frames.append((time.monotonic() + delay, peer[fd], frame))


def send_due(frames: collections.deque[tuple[float, int, bytes]]) -> None:
    while frames and frames[0][0] <= time.monotonic():
        _, fd, frame = frames.popleft()
        with contextlib.suppress(OSError):
            os.write(fd, frame)


def read_frames(fd: int) -> list[bytes]:
    found: list[bytes] = []
    with contextlib.suppress(OSError):
        while len(found) < 64:
            found.append(os.read(fd, 65536))
    return found


if __name__ == "__main__":
    space_a, name_a, space_b, name_b, delay_ms = sys.argv[1:6]
    loss_percent = float(sys.argv[6]) if len(sys.argv) > 6 else 0.0
    forward(tap(space_a, name_a), tap(space_b, name_b), float(delay_ms) / 1000, loss_percent / 100)
