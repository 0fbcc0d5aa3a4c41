"""The one door to cryptography: a studio's signing key and its certificates, in the user's own folder. ES256, as C2PA wants them.

The chain is a root of the studio's own and one leaf; the root's key is forgotten at once, so that nobody can make more of them.
Knows keys and certificates; what is signed with them is `credentials`'s work.
"""

import hashlib
import importlib.util
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from muslin.base.errors import InputError
from muslin.base.files import make_folder, read_bytes, whole, write_bytes

_USES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign",
    "encipher_only", "decipher_only",
)  # fmt: skip
_YEARS = 10  # without a time stamp a signature is good only as long as its certificate
_KEY, _CHAIN, _ROOT, _TRUSTED = "signing.key", "signing.pem", "root.pem", "trusted"


@dataclass(frozen=True)
class Studio:
    """`chain` and `key` as PEM, `anchors`: the roots trusted here, its own (`root`) and others'; `serial` of the leaf, decimal."""

    name: str
    chain: str
    key: str
    root: str
    anchors: str
    serial: str
    until: datetime


def keys_folder() -> Path:
    """MUSLIN_HOME/keys, or ~/.config/muslin/keys."""
    home = os.environ.get("MUSLIN_HOME", "")
    return (Path(home) if home else Path.home() / ".config" / "muslin") / "keys"


def make_keys(name: str, folder: Path | None = None, start: datetime | None = None, end: datetime | None = None) -> Path:
    """Make a key and its chain in `folder`. Raises InputError where there are keys already: they are never overwritten."""
    need_extra()
    folder, start = folder or keys_folder(), start or datetime.now(UTC) - timedelta(minutes=5)  # clocks differ
    if not name.strip() or len(name) > 64:
        raise InputError(f"--name '{name}': should be 1 to 64 characters")
    if present := [file for file in (_KEY, _CHAIN, _ROOT) if (folder / file).exists()]:
        raise InputError(
            f"{folder / present[0]}: there are keys already, they are never overwritten; move the folder away to make new ones"
        )
    key, leaf, root = _chain(name.strip(), start, end or start + timedelta(days=365 * _YEARS))
    make_folder(folder).chmod(0o700)
    with whole(folder / _KEY) as part, open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:  # noqa: PTH123
        file.write(key)
    write_bytes(folder / _ROOT, root)
    write_bytes(folder / _CHAIN, leaf + root)
    return folder


def load_studio(folder: Path | None = None) -> Studio:
    """The studio's key and chain. Raises InputError where there are none, or they cannot be read."""
    need_extra()
    folder = folder or keys_folder()
    if not (folder / _KEY).exists():
        raise InputError(f'{folder}: no keys yet; make them with `muslin keys --name "Your Studio"`')
    from cryptography import x509

    chain, key = read_bytes(folder / _CHAIN).decode("ascii", "replace"), read_bytes(folder / _KEY).decode("ascii", "replace")
    try:
        leaf = x509.load_pem_x509_certificates(chain.encode())[0]
        name = leaf.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)[0].value
    except (ValueError, IndexError) as failure:
        raise InputError(f"{folder / _CHAIN}: not a certificate chain ({failure}); copy the folder back from a safe place") from failure
    root = read_bytes(folder / _ROOT).decode("ascii", "replace")
    return Studio(str(name), chain, key, root, anchors(folder), str(leaf.serial_number), leaf.not_valid_after_utc)


def no_keys(folder: Path | None = None) -> InputError:
    """What to say where keys are wanted and there are none."""
    return InputError(f'{folder or keys_folder()}: no keys yet; make them with `muslin keys --name "Your Studio"`')


def watermark_key(folder: Path | None = None) -> bytes:
    """The key of the studio's watermark, made from its signing key; empty where there is none. Needs no extra."""
    file = (folder or keys_folder()) / _KEY
    return hashlib.sha256(b"muslin watermark 1\n" + read_bytes(file)).digest() if file.exists() else b""


def anchors(folder: Path | None = None) -> str:
    """The roots that are trusted here, as PEM: the studio's own, and every .pem in the folder `trusted` beside it; empty for none."""
    folder = folder or keys_folder()
    files = [folder / _ROOT, *sorted((folder / _TRUSTED).glob("*.pem"))]
    return "\n".join(read_bytes(file).decode("ascii", "replace") for file in files if file.exists())


def need_extra() -> None:
    """Raises InputError, with the remedy, where the extra `c2pa` is not installed."""
    if any(importlib.util.find_spec(name) is None for name in ("c2pa", "cryptography")):
        raise InputError("signing and checking need an extra: pip install 'muslin[c2pa]'")


def _chain(name: str, start: datetime, end: datetime) -> tuple[bytes, bytes, bytes]:
    """A new key, its certificate, and the root's, as PEM."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate(name, None, root_key.public_key(), root_key, start, end)
    leaf = _certificate(name, key.public_key(), root_key.public_key(), root_key, start, end)
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return plain, leaf.public_bytes(Encoding.PEM), root.public_bytes(Encoding.PEM)


def _certificate(name: str, leaf: Any, root: Any, signer: Any, start: datetime, end: datetime) -> Any:
    """A certificate for the public key `leaf`, or the root's own where that is None. Its fields are what c2pa asks of a signer."""
    from cryptography import x509
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509.oid import ExtendedKeyUsageOID

    def title(what: str) -> x509.Name:
        parts = ((x509.NameOID.ORGANIZATION_NAME, name), (x509.NameOID.COMMON_NAME, what))
        return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts])

    last = leaf is None
    made = x509.CertificateBuilder(title("Muslin root" if last else "Muslin signing"), title("Muslin root"), root if last else leaf)
    made = made.serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end)
    use = dict.fromkeys(_USES, False) | ({"key_cert_sign": True, "crl_sign": True} if last else {"digital_signature": True})
    made = made.add_extension(x509.BasicConstraints(last, 0 if last else None), critical=True)
    made = made.add_extension(x509.KeyUsage(**use), critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(root if last else leaf), critical=False)
    made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(root), critical=False)
    if not last:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return made.sign(signer, SHA256())
