"""Files are written whole or not at all."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from muslin.base.errors import DiskError
from muslin.base.files import LITTER, check_writable, make_folder, room_for, sweep, whole, write_bytes

WRITER = """
import sys
from pathlib import Path
from muslin.base.files import write_bytes
target = Path(sys.argv[1])
for number in range(100_000):
    write_bytes(target, bytes([number % 251]) * 2_000_000)
"""


def test_what_is_written_is_there_and_no_litter_is_left(tmp_path):
    write_bytes(tmp_path / "a", b"one")
    write_bytes(tmp_path / "a", b"two")
    assert (tmp_path / "a").read_bytes() == b"two"
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_body_that_fails_changes_nothing(tmp_path):
    write_bytes(tmp_path / "a", b"old")
    with pytest.raises(RuntimeError), whole(tmp_path / "a") as part:
        part.write_bytes(b"half")
        raise RuntimeError
    assert (tmp_path / "a").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_kill_minus_9_leaves_a_whole_file(tmp_path):
    target = tmp_path / "file"
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(target)])
        while not target.exists():
            time.sleep(0.01)
        time.sleep(0.15)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        content = target.read_bytes()
        assert len(content) == 2_000_000
        assert len(set(content)) == 1
    assert sweep(tmp_path, older_than=-1) <= 3
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_litter_of_a_killed_run_is_swept_and_young_litter_is_not(tmp_path):
    old, young = tmp_path / f"{LITTER}1-a", tmp_path / f"{LITTER}2-b"
    old.write_bytes(b"x")
    young.write_bytes(b"x")
    os.utime(old, (1, 1))
    make_folder(tmp_path)
    assert not old.exists()
    assert young.exists()


def _limit_file_size():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))


def test_a_disk_that_takes_no_more_is_told_in_a_line_and_the_old_file_stays(tmp_path):
    target = tmp_path / "a"
    target.write_bytes(b"old")
    code = "import sys; from pathlib import Path; from muslin.base.files import write_bytes\n"
    code += "try: write_bytes(Path(sys.argv[1]), b'x' * 5000)\nexcept Exception as e: print(type(e).__name__, e)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(target)], capture_output=True, text=True, preexec_fn=_limit_file_size, check=True
    )
    assert done.stdout.startswith("DiskError")
    assert str(target) in done.stdout
    assert target.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_is_told():
    with pytest.raises(DiskError, match="disk is full"), whole(Path("/dev/shm/muslin-test")) as part:
        part.symlink_to("/dev/full")
        part.write_bytes(b"x")


def test_too_little_room_is_refused_before_the_work(tmp_path):
    with pytest.raises(DiskError, match="free some space"):
        room_for(tmp_path / "new" / "folder", 10**18)


def test_a_file_in_the_way_of_a_folder_is_told(tmp_path):
    (tmp_path / "out").write_bytes(b"")
    with pytest.raises(DiskError, match="in the way"):
        make_folder(tmp_path / "out")
    with pytest.raises(DiskError, match="not a folder"):
        make_folder(tmp_path / "out" / "deeper")


def test_a_link_is_followed_and_permissions_stay(tmp_path):
    real, link = tmp_path / "real.txt", tmp_path / "link.txt"
    real.write_bytes(b"old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_bytes(link, b"new")
    assert link.is_symlink() and real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o777 == 0o640


def test_where_nothing_can_be_written_is_told_at_once(tmp_path):
    check_writable(tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(DiskError):
        check_writable(tmp_path / "none" / "a.txt")


def test_a_name_that_no_disk_takes_is_told(tmp_path):
    with pytest.raises(DiskError, match=r"x: cannot write: the name is too long"):
        write_bytes(tmp_path / ("x" * 300), b"new")
