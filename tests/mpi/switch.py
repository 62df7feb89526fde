"""A switch between network namespaces that delays frames and loses some, for tests on kernels without netem.

    switch.py MILLISECONDS LOSS NAMESPACE...

Makes the device "port" in each of these namespaces, prints "ready", and passes every frame on to the others until its
input ends. LOSS is a share, 0.01 for one frame in a hundred; what is lost is drawn from a fixed seed.

SPDX-License-Identifier: MIT
"""

import fcntl
import heapq
import os
import random
import select
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000


def open_port(namespace):
    """The device is made in the namespace and belongs to it; what opened it here can read it for ever."""
    own = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{namespace}", os.O_RDONLY)
    enter(there)
    port = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(port, TUNSETIFF, struct.pack("16sH", b"port", IFF_TAP | IFF_NO_PI))
    enter(own)
    os.close(own)
    os.close(there)
    return port


def enter(namespace):
    import ctypes

    if ctypes.CDLL(None, use_errno=True).setns(namespace, 0x40000000) != 0:  # CLONE_NEWNET
        raise OSError(ctypes.get_errno(), "setns")


def switch(ports, delay, loss):
    chance = random.Random(1)
    waiting = []  # (time, number, port, frame): the number keeps the order of frames of one time
    number = lost = passed = 0
    while True:
        now = time.monotonic()
        while waiting and waiting[0][0] <= now:
            _, _, port, frame = heapq.heappop(waiting)
            try:
                os.write(port, frame)
            except OSError:
                pass  # the device is not up yet
        timeout = max(0.0, waiting[0][0] - now) if waiting else None
        for ready in select.select([sys.stdin, *ports], [], [], timeout)[0]:
            if ready is sys.stdin:
                return passed, lost
            try:
                frame = os.read(ready, 65536)
            except BlockingIOError:
                continue
            for port in ports:
                if port == ready:
                    continue
                if chance.random() < loss:
                    lost += 1
                    continue
                heapq.heappush(waiting, (time.monotonic() + delay, number, port, frame))
                number += 1
                passed += 1


def main():
    delay, loss = float(sys.argv[1]) / 1000, float(sys.argv[2])
    ports = [open_port(namespace) for namespace in sys.argv[3:]]
    print("ready", flush=True)
    passed, lost = switch(ports, delay, loss)
    print(f"{passed} frames passed, {lost} lost")


main()
