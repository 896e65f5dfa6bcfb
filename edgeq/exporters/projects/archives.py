"""Archives that are always the same bytes for the same content: zip files, and Python wheels (PEP 427)."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Mapping

_TIME = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip file can say."""


def wheel(
    name: str, version: str, tag: str, files: Mapping[str, bytes], metadata: str, license: str, generator: str
) -> tuple[str, bytes]:
    """A wheel's file name, and its content.

    Args:
        name, version: of the distribution, normalized as PEP 427 wants them.
        tag: Python, ABI and platform, such as "py3-none-linux_aarch64".
        files: what is installed, by path.
        metadata: the text METADATA.
        license: the text of the licence.
        generator: what made it.
    """
    info = f"{name}-{version}.dist-info"
    pure = "true" if tag.endswith("-any") else "false"
    about = f"Wheel-Version: 1.0\nGenerator: {generator}\nRoot-Is-Purelib: {pure}\nTag: {tag}\n"
    inside = {
        **files,
        f"{info}/licenses/LICENSE": license.encode(),
        f"{info}/METADATA": metadata.encode(),
        f"{info}/WHEEL": about.encode(),
    }
    record = "".join(f"{path},sha256={_digest(data)},{len(data)}\n" for path, data in inside.items())
    inside[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
    return f"{name}-{version}-{tag}.whl", zipped(inside)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A zip file of these files, in their order, that says nothing of when and where it was made."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, _TIME)
            entry.create_system = 3
            entry.external_attr = (0o100755 if path.endswith((".so", ".dylib", ".dll")) else 0o100644) << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
