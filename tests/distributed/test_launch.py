"""Starting ranks: who prints, who died and how, and who ends with whom."""

import signal
import subprocess
import sys
import time

import pytest

from hyperlimit.distributed import launch

TOLD = "HYPERLIMIT_RANK_"


@pytest.fixture
def program(tmp_path):
    """A command that runs Python with its place in `number`, `count` and `attempt`."""

    def written(body):
        path = tmp_path / "program.py"
        start = "import os, signal, sys, time\n" + "".join(
            f"{name} = int(os.environ['{TOLD}{name.upper()}'])\n"
            for name in ("number", "count", "attempt", "lifeline")
        )
        path.write_text(start + body)
        return [sys.executable, str(path)]

    return written


def gone(process_id):
    """Whether a process has ended, be it collected or not."""
    try:
        with open(f"/proc/{process_id}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def within(seconds, condition):
    latest = time.monotonic() + seconds
    while time.monotonic() < latest:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_only_the_first_rank_is_heard(program, capfd):
    command = program("print('out', number); print('err', number, file=sys.stderr)")
    assert launch(command, processes=3) == 0
    printed = capfd.readouterr()
    assert (printed.out, printed.err) == ("out 0\n", "err 0\n")


def test_every_rank_has_its_place(program, tmp_path):
    body = f"open(f'{tmp_path}/{{number}}', 'w').write(f'{{count}} {{attempt}}')"
    assert launch(program(body), processes=2) == 0
    assert [(tmp_path / str(k)).read_text() for k in range(2)] == ["2 0"] * 2


@pytest.mark.parametrize(
    ("end", "how", "status"),
    [
        ("sys.exit(3)", "ended with exit status 3", 3),
        ("os.kill(os.getpid(), 9)", "was ended by SIGKILL", 137),
        ("raise OSError('the disk is full')", "ended with exit status 1", 1),
    ],
)
def test_one_death_ends_all_and_is_told(program, tmp_path, end, how, status):
    body = (
        f"if number == 1: {end}\n"
        f"open('{tmp_path}/id', 'w').write(str(os.getpid()))\ntime.sleep(60)"
    )
    told, start = [], time.monotonic()
    found = launch(program(body), processes=2, say=told.append)
    assert found == status
    assert time.monotonic() - start < 10
    assert told[-1].startswith(f"rank 1 of 2 {how} after ")
    assert told[-1].endswith("s: the others were ended")
    # What it wrote as an error comes before.
    assert ("the disk is full" in told[0]) == ("disk" in end)
    alive = tmp_path / "id"
    assert not alive.exists() or gone(int(alive.read_text()))


def test_a_rank_that_will_not_end_is_ended(program, tmp_path):
    body = (
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        f"open(f'{tmp_path}/{{number}}', 'w').write(str(os.getpid()))\n"
        f"while not os.path.exists('{tmp_path}/0'): time.sleep(0.01)\n"
        "if number == 1: sys.exit(1)\ntime.sleep(60)"
    )
    start = time.monotonic()
    assert launch(program(body), processes=2, say=lambda _: None) == 1
    assert time.monotonic() - start < 10
    assert gone(int((tmp_path / "0").read_text()))


def test_the_gang_starts_again_as_often_as_it_may(program):
    told = []
    command = program("sys.exit(0 if attempt == 2 or number == 0 else 4)")
    assert launch(command, processes=2, restarts=2, say=told.append) == 0
    assert [text.partition(": ")[2] for text in told] == [
        "all start again (1 of 2)",
        "all start again (2 of 2)",
    ]
    assert launch(command, processes=2, restarts=1, say=told.append) == 4
    assert told[-1].endswith("the others were ended")


def test_wrong_input_is_not_tried_again(program, capfd):
    told = []
    body = "print('error: no such file', file=sys.stderr); sys.exit(2)"
    assert launch(program(body), processes=2, restarts=5, say=told.append) == 2
    assert told == []
    assert capfd.readouterr().err == "error: no such file\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_reach_all_ranks(program, tmp_path, number):
    command = program(
        "def note(which, frame):\n"
        f"    open(f'{tmp_path}/had{{number}}', 'w').write(str(which)); sys.exit(1)\n"
        "signal.signal(signal.SIGINT, note); signal.signal(signal.SIGTERM, note)\n"
        f"open(f'{tmp_path}/ready{{number}}', 'w'); time.sleep(60)"
    )
    code = "import sys; from hyperlimit.distributed import launch; "
    code += f"sys.exit(launch({command!r}, processes=2, restarts=3))"
    launcher = subprocess.Popen([sys.executable, "-c", code])
    try:
        ready = [tmp_path / f"ready{k}" for k in range(2)]
        assert within(30, lambda: all(path.exists() for path in ready))
        launcher.send_signal(number)
        assert launcher.wait(10) == 128 + number
    finally:
        launcher.kill()
        launcher.wait()
    for k in range(2):
        assert (tmp_path / f"had{k}").read_text() == str(int(number))


def test_ranks_end_with_whoever_started_them(tmp_path):
    """Even by a kill, which can be passed on by nobody."""
    rank = tmp_path / "rank.py"
    rank.write_text(
        "import os, time\nfrom hyperlimit.distributed import initialize\n"
        f"print(initialize(), file=open(f'{tmp_path}/{{os.getpid()}}', 'w'))\n"
        "time.sleep(60)"
    )
    code = "from hyperlimit.distributed import launch; "
    code += f"launch({[sys.executable, str(rank)]!r}, processes=1)"
    launcher = subprocess.Popen([sys.executable, "-c", code])
    try:
        found = []

        def started():
            found[:] = [path for path in tmp_path.iterdir() if path.name.isdigit()]
            return found and found[0].stat().st_size

        assert within(30, started)
    finally:
        launcher.kill()
        launcher.wait()
    assert "count=1" in found[0].read_text()
    assert within(5, lambda: gone(int(found[0].name)))


def test_what_cannot_be_started_is_refused(refuses):
    with refuses("'/no/such/program'", "No such file"):
        launch(["/no/such/program"], processes=2)
    for processes, restarts in ((0, 0), (2, -1)):
        with refuses(f"{processes} processes and {restarts} restarts"):
            launch(["true"], processes=processes, restarts=restarts)
