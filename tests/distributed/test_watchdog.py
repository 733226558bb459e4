"""A rank that does nothing ends; one that works does not."""

import subprocess
import sys
import time

from hyperlimit.distributed import Watchdog


def test_silence_ends_the_process():
    code = (
        "import time\nfrom hyperlimit.distributed import Watchdog\n"
        "with Watchdog(1.0) as watch:\n"
        "    for turn in range(4):\n"
        "        time.sleep(0.6); watch.progress(turn, 0.0)\n"
        "    print('worked', flush=True)\n"
        "    time.sleep(60)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, timeout=40, check=False
    )
    assert done.returncode == 76
    assert done.stdout == b"worked\n"
    assert b"no progress for 1 s" in done.stderr


def test_after_the_work_nobody_watches():
    with Watchdog(0.2):
        pass
    time.sleep(0.5)


def test_a_time_is_asked_for(refuses):
    for seconds in (0.0, -1.0, float("nan")):
        with refuses(f"seconds={seconds!r}"):
            Watchdog(seconds)
