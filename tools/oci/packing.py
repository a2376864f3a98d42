"""tar and gzip to the byte: no owner, no clock, no name of a file or of a machine gets in."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib

# Unknown operating system: zlib writes the one that it was built for, which would make two machines differ.
GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\x02\xff"


def tar(files: dict[str, bytes], modified: int) -> bytes:
    """A ustar archive of regular files, readable by all, that belong to root."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(data), 0o644, modified
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def gzip(data: bytes) -> bytes:
    """The best that zlib does, under a header that never changes."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return GZIP_HEADER + deflate.compress(data) + deflate.flush() + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)
