"""Time stamps by an authority on this machine, which OpenSSL plays: a signature outlasts its certificate, where the authority is trusted."""

import http.server
import json
import shutil
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
import torch

from command import muslin, refused
from muslin.base.errors import InputError, SettingError
from muslin.base.image import encode_png
from muslin.provenance.credentials import check, manifest, sign
from muslin.provenance.keys import load_studio, make_keys
from muslin.provenance.recipe import Recipe

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="OpenSSL plays the authority")
RECIPE = Recipe("draft", {"name": "g", "seed": 1, "sha256": "ab"}, made_with={"muslin": "0.4.0"})
PICTURE = encode_png(torch.zeros(3, 20, 24), text=RECIPE.text())
CONFIG = """
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[stamps]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
authorityKeyIdentifier = keyid
[tsa]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
certs = root.pem
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256,sha384,sha512
ess_cert_id_alg = sha256
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """Its address, and its root."""
    home = tmp_path_factory.mktemp("authority")
    (home / "tsa.cnf").write_text(CONFIG)
    (home / "serial").write_text("01")

    def openssl(*words):
        subprocess.run(["openssl", *words], cwd=home, check=True, capture_output=True)

    new = ("-newkey", "rsa:2048", "-nodes", "-config", "tsa.cnf")
    openssl("req", "-x509", *new, "-keyout", "root.key", "-out", "root.pem", "-days", "99", "-extensions", "root", "-subj", "/O=T/CN=Root")
    openssl("req", *new, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/O=T/CN=Stamps")
    by = ("-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-extfile", "tsa.cnf", "-extensions", "stamps")
    openssl("x509", "-req", "-in", "tsa.csr", "-out", "tsa.pem", "-days", "98", *by)

    class Stamps(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            (home / "asked").write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            openssl("ts", "-reply", "-config", "tsa.cnf", "-section", "tsa", "-queryfile", "asked", "-out", "reply")
            reply = (home / "reply").read_bytes()
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stamps)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", (home / "root.pem").read_text()
    server.shutdown()
    server.server_close()


def test_a_stamped_signature_outlasts_its_certificate_where_the_authority_is_trusted(tmp_path, authority):
    address, root = authority
    end = datetime.now(UTC) + timedelta(seconds=8)
    make_keys("Atelier", tmp_path / "keys", end=end)
    studio = load_studio(tmp_path / "keys")
    about = manifest("x.png", RECIPE.mark(), RECIPE)
    plain, stamped = sign(PICTURE, about, studio), sign(PICTURE, about, studio, address)
    assert check(plain, studio.anchors).stamped == ""
    fresh = check(stamped, studio.anchors)
    assert fresh.state == "trusted" and fresh.stamped.startswith(f"{datetime.now(UTC):%Y-%m-}") and not fresh.stamp_trusted
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds() + 1.5))
    assert check(plain, studio.anchors + root).state == "expired"
    assert check(stamped, studio.anchors).state == "expired"  # nobody vouches for the time
    late = check(stamped, studio.anchors + root)
    assert late.state == "trusted" and late.stamp_trusted
    altered = bytearray(stamped)
    altered[stamped.index(b"IDAT") + 8] ^= 1
    assert check(bytes(altered), studio.anchors + root).state == "altered"


def test_an_address_that_is_none_and_an_authority_that_is_not_there_are_told(tmp_path):
    make_keys("Atelier", tmp_path / "keys")
    studio, about = load_studio(tmp_path / "keys"), manifest("x.png", RECIPE.mark(), RECIPE)
    with pytest.raises(SettingError, match="--time-stamp example.org: should be an authority's address"):
        sign(PICTURE, about, studio, "example.org")
    with pytest.raises(InputError, match="x.png: cannot be signed .* is the time-stamping authority http://127.0.0.1:9 there"):
        sign(PICTURE, about, studio, "http://127.0.0.1:9")


def test_the_command_stamps_and_verify_tells(tmp_path, authority):
    address, root = authority
    env = {"MUSLIN_HOME": str(tmp_path / "home")}
    file = tmp_path / "draft.png"
    file.write_bytes(PICTURE)
    assert muslin("keys", env=env).returncode == 0
    assert "should be an authority's address" in refused(muslin("sign", file, env=env | {"MUSLIN_TIME_STAMP": "nobody"}))
    assert file.read_bytes() == PICTURE
    done = muslin("sign", file, "--time-stamp", address, env=env)
    assert done.returncode == 0 and "signed by Studio and time-stamped" in done.stderr
    assert "by an authority that nothing here vouches for" in muslin("verify", file, env=env).stdout
    trusted = tmp_path / "home" / "keys" / "trusted"
    trusted.mkdir()
    (trusted / "authority.pem").write_text(root)
    told = muslin("verify", file, env=env)
    assert told.returncode == 0 and "by an authority whose root you trust" in told.stdout
    assert json.loads(muslin("verify", file, "--json", env=env).stdout)["stamp_trusted"]
