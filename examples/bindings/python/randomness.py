"""The random numbers of the examples in C, so that equal seeds give equal runs. SPDX-License-Identifier: MIT"""
import numpy

GOLDEN_RATIO = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1


def _mix(values):
    values = (values ^ (values >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    values = (values ^ (values >> 27)) * 0x94D049BB133111EB & MASK
    return values ^ (values >> 31)


def derive(seed, purpose):
    """A seed for one of several purposes."""
    return _mix(_mix((seed + GOLDEN_RATIO) & MASK) + (purpose + 1) * GOLDEN_RATIO & MASK) or 1


class Stream:
    """A stream of 64-bit numbers."""

    def __init__(self, state):
        self._state = state

    def shuffle(self, order):
        """Shuffles an array in place."""
        count = len(order)
        turns = numpy.arange(1, count, dtype=numpy.uint64)
        state = numpy.uint64(self._state) + turns * numpy.uint64(GOLDEN_RATIO)  # wraps around
        self._state = (self._state + (count - 1) * GOLDEN_RATIO) & MASK
        below = (_mix_array(state) >> numpy.uint64(32)) * numpy.arange(count, 1, -1).astype(numpy.uint64)
        values = order.tolist()  # swaps one by one are quicker in a list
        for i, j in zip(range(count - 1, 0, -1), (below >> numpy.uint64(32)).tolist()):
            values[i], values[j] = values[j], values[i]
        order[:] = values


def _mix_array(values):
    shifts = [numpy.uint64(each) for each in (30, 27, 31)]
    values = (values ^ (values >> shifts[0])) * numpy.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> shifts[1])) * numpy.uint64(0x94D049BB133111EB)
    return values ^ (values >> shifts[2])
