"""Downloads from a server on this machine that breaks off, forgets ranges, or serves another file."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from muslin.base.download import fetch_file
from muslin.base.errors import InputError

CONTENT = bytes(range(256)) * 20_000
DIGEST = hashlib.sha256(CONTENT).hexdigest()[:8]


@pytest.fixture
def server():
    class Handler(BaseHTTPRequestHandler):
        breaks, ranges, asked = 0, True, []

        def do_GET(self):
            begin = int((self.headers.get("Range") or "bytes=0-")[6:-1]) if self.ranges else 0
            Handler.asked.append(begin)
            self.send_response(206 if begin else 200)
            self.send_header("Content-Length", str(len(CONTENT) - begin))
            self.end_headers()
            if Handler.breaks:
                Handler.breaks -= 1
                self.wfile.write(CONTENT[begin : begin + 2_000_000])
            else:
                self.wfile.write(CONTENT[begin:])

        def log_message(self, *_):
            pass

    Handler.asked = []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=running.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{running.server_port}/weights.pth", Handler
    running.shutdown()
    running.server_close()


def test_a_broken_download_goes_on_where_it_stopped(server, tmp_path):
    url, handler = server
    handler.breaks = 1
    with pytest.raises(InputError, match="bytes are kept and the same command goes on"):
        list(fetch_file(url, tmp_path / "w.pth", DIGEST))
    assert not (tmp_path / "w.pth").exists()
    told = list(fetch_file(url, tmp_path / "w.pth", DIGEST))
    assert (tmp_path / "w.pth").read_bytes() == CONTENT
    assert handler.asked[1] >= 1_000_000
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [p.name for p in tmp_path.iterdir()] == ["w.pth"]


def test_a_server_without_ranges_begins_anew(server, tmp_path):
    url, handler = server
    handler.ranges = False
    (tmp_path / "w.pth.part").write_bytes(b"old")
    list(fetch_file(url, tmp_path / "w.pth", DIGEST))
    assert (tmp_path / "w.pth").read_bytes() == CONTENT


def test_another_file_is_thrown_away(server, tmp_path):
    with pytest.raises(InputError, match="it should be 00000000; thrown away"):
        list(fetch_file(server[0], tmp_path / "w.pth", "00000000"))
    assert not list(tmp_path.iterdir())


def test_a_closed_net_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be fetched"):
        list(fetch_file("http://127.0.0.1:9/none", tmp_path / "w.pth", DIGEST))
