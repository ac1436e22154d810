"""Memory of a process that lives for months: what a large reading needed is given back, garbage is looked for seldom."""

import ctypes
import gc

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""glibc's; other C libraries give back by themselves, or not at all."""


def give_back() -> None:
    """Return freed memory to the system.

    Of the 62 MB by which a process grew that restored two partitions of 800,000 records, 32 were free and kept; of the 46 MB
    of a reading of the timeline all (measured). It takes milliseconds, so it belongs behind what takes seconds.
    """
    if _trim is not None:
        _trim(0)


def collect_seldom() -> None:
    """Look for cyclic garbage every fifty thousand new objects, not seven hundred, and never among those that there are.

    A batch makes thousands of objects that all live until it is committed, in no cycle: looking at them again and again was a
    twentieth of an event's CPU in the fixed job (measured).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
