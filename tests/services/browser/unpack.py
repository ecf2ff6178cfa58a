"""Unpack the Chromium of the npm package `@sparticuz/chromium` into a folder, ready to start.

    python unpack.py FOLDER        FOLDER/node_modules holds the package; FOLDER/chromium starts the browser

The package was made for a bare cloud function: it brings the browser's libraries and one font along, packed with Brotli.
Python's standard library has no Brotli and Node.js has, hence the few lines of JavaScript.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

DECOMPRESS = """
const { createReadStream, createWriteStream } = require('node:fs')
const { pipeline } = require('node:stream/promises')
const { createBrotliDecompress } = require('node:zlib')
const [source, target] = process.argv.slice(-2)
pipeline(createReadStream(source), createBrotliDecompress({ chunkSize: 1 << 20 }), createWriteStream(target))
"""
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{folder}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{folder}/font-cache</cachedir>
</fontconfig>
"""
START = """#!/bin/sh
export LD_LIBRARY_PATH='{folder}/al2023/lib'"${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"
export FONTCONFIG_FILE='{folder}/fonts.conf'
exec '{folder}/browser' "$@"
"""


def main(folder: Path) -> None:
    packed = folder / "node_modules" / "@sparticuz" / "chromium" / "bin"
    decompress(packed / "chromium.br", folder / "browser")
    (folder / "browser").chmod(0o755)
    for name, target in (("al2023", "al2023"), ("fonts", ""), ("swiftshader", "")):
        archive = folder / f"{name}.tar"
        decompress(packed / f"{name}.tar.br", archive)
        with tarfile.open(archive) as files:
            files.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)  # new in 3.11.4
            files.extractall(folder / target)
        archive.unlink()
    (folder / "fonts.conf").write_text(FONTS.format(folder=folder))
    start = folder / "chromium"
    start.write_text(START.format(folder=folder))
    start.chmod(0o755)
    subprocess.run([start, "--version"], check=True, timeout=60)
    shutil.rmtree(folder / "node_modules")  # 67 MB that have been unpacked


def decompress(source: Path, target: Path) -> None:
    subprocess.run(["node", "-e", DECOMPRESS, source, target], check=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
