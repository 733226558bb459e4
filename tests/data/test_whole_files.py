import os
import stat
import tempfile
from pathlib import Path

import pytest

from hyperlimit.data import whole_files


def everything(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else "/"
        for path in folder.rglob("*")
    }


def test_files_appear_when_all_is_done(tmp_path):
    target = tmp_path / "out"
    with whole_files(target) as temporary:
        (temporary / "a.txt").write_text("a")
        (temporary / "inner").mkdir()
        (temporary / "inner" / "b.txt").write_text("b")
        assert not target.exists()
    assert everything(tmp_path) == {
        "out": "/",
        "out/a.txt": "a",
        "out/inner": "/",
        "out/inner/b.txt": "b",
    }


def test_replaces_what_it_writes_and_keeps_the_rest(tmp_path):
    (tmp_path / "inner").mkdir()
    for name in ("a.txt", "kept.txt", "inner/b.txt"):
        (tmp_path / name).write_text("old")
    with whole_files(str(tmp_path)) as temporary:
        (temporary / "inner").mkdir()
        (temporary / "a.txt").write_text("new")
        (temporary / "inner" / "b.txt").write_text("new")
    assert everything(tmp_path) == {
        "a.txt": "new",
        "kept.txt": "old",
        "inner": "/",
        "inner/b.txt": "new",
    }


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("target", ["out", "old", "missing/above/out"])
def test_leaves_all_as_it_was_on_an_exception(tmp_path, error, target):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "a.txt").write_text("old")
    before = everything(tmp_path)

    def write_half() -> None:
        with whole_files(tmp_path / target) as temporary:
            (temporary / "a.txt").write_text("new")
            raise error

    with pytest.raises(error):
        write_half()
    assert everything(tmp_path) == before


def test_creates_the_folders_above(tmp_path):
    with whole_files(tmp_path / "x" / "y" / "z") as temporary:
        (temporary / "a.txt").write_text("a")
    assert (tmp_path / "x" / "y" / "z" / "a.txt").read_text() == "a"


def test_temporary_folder_is_beside_the_target(tmp_path):
    with whole_files(tmp_path / "out") as temporary:
        assert temporary.parent == tmp_path
        assert temporary.is_dir()


def test_temporary_folder_is_inside_a_target_that_is_a_mount(tmp_path, monkeypatch):
    monkeypatch.setattr(os.path, "ismount", lambda path: path == tmp_path)
    with whole_files(tmp_path) as temporary:
        assert temporary.parent == tmp_path
        (temporary / "a.txt").write_text("a")
    assert everything(tmp_path) == {"a.txt": "a"}


def test_the_current_folder(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with whole_files(".") as temporary:
        (temporary / "a.txt").write_text("a")
    assert everything(tmp_path) == {"here": "/", "here/a.txt": "a"}


def test_a_link_to_the_target_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with whole_files(tmp_path / "link") as temporary:
        (temporary / "a.txt").write_text("a")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "a.txt").read_text() == "a"


def test_nothing_written_gives_an_empty_folder(tmp_path):
    with whole_files(tmp_path / "out"):
        pass
    assert everything(tmp_path) == {"out": "/"}


def test_permissions_are_ordinary(tmp_path):
    old = os.umask(0o022)
    try:
        with whole_files(tmp_path / "out") as temporary:
            (temporary / "plain.txt").write_text("")
            handle, _ = tempfile.mkstemp(suffix=".txt", dir=temporary)
            os.close(handle)
    finally:
        os.umask(old)
    for path in (tmp_path / "out").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o755


def enter(target: Path | str) -> None:
    with whole_files(target):
        pytest.fail("the block ran")


def test_refuses_a_file_as_target(tmp_path, refuses):
    (tmp_path / "out").write_text("kept")
    with refuses(repr(str(tmp_path / "out")), "is a file"):
        enter(tmp_path / "out")
    assert everything(tmp_path) == {"out": "kept"}


def test_refuses_a_file_above(tmp_path, refuses):
    (tmp_path / "file").write_text("")
    with refuses("cannot be written", "Not a directory"):
        enter(tmp_path / "file" / "out")


def test_refuses_a_name_that_is_too_long(tmp_path, refuses):
    with refuses("cannot be written"):
        enter(tmp_path / ("x" * 300))


def test_refuses_a_folder_above_that_cannot_be_written(tmp_path, monkeypatch, refuses):
    def denied(self: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    # Bits would not stop the superuser, who may run the tests.
    monkeypatch.setattr(Path, "mkdir", denied)
    with refuses(repr(str(tmp_path / "out")), "cannot be written (Permission denied)"):
        enter(tmp_path / "out")


def test_refuses_a_target_that_cannot_be_written(tmp_path, monkeypatch, refuses):
    monkeypatch.setattr(os, "access", lambda *_: False)
    with refuses(repr(str(tmp_path)), "cannot be written", "permission denied"):
        enter(tmp_path)


def test_refuses_a_file_where_a_folder_is_before_any_moves(tmp_path, refuses):
    (tmp_path / "b.txt").mkdir()
    with refuses("'b.txt'", repr(str(tmp_path))), whole_files(tmp_path) as temporary:
        (temporary / "a.txt").write_text("a")
        (temporary / "b.txt").write_text("b")
    assert everything(tmp_path) == {"b.txt": "/"}


def test_refuses_a_folder_where_a_file_is(tmp_path, refuses):
    (tmp_path / "b").write_text("old")
    with refuses("'b/c.txt'"), whole_files(tmp_path) as temporary:
        (temporary / "b").mkdir()
        (temporary / "b" / "c.txt").write_text("c")
    assert everything(tmp_path) == {"b": "old"}


def test_a_failure_to_move_is_told_and_cleaned_up(tmp_path, monkeypatch, refuses):
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with refuses("No space left"), whole_files(tmp_path) as temporary:
        (temporary / "a.txt").write_text("a")
    assert everything(tmp_path) == {}
