"""The one clock of the processor."""

import resource
import time


def processor_s() -> float:
    """Seconds of the processor that this process has taken, and those that it started and that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
