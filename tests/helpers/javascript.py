"""Runs the decoder of tiles in JavaScript, in Node and in headless Chromium."""

from __future__ import annotations

import base64
import html
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

NODE = shutil.which("node") or shutil.which("nodejs")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NEEDS_NODE = "needs Node (Debian: apt install nodejs)"
NEEDS_CHROMIUM = "needs Chromium (Debian: apt install chromium)"

MAX_PIXELS = 1 << 16
"""Larger pictures are refused: what damaged files declare ends soon."""
Found = npt.NDArray[np.uint8] | str
"""Pixels (H, W, C), or the message of the error."""

# `decode` and `FractourError` are in scope. Whatever else is thrown ends the run.
_HARNESS = """
function decodeAll(files) {
  return files.map(([text, options]) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    try {
      const { width, height, channels, data } = decode(bytes, options);
      if (data.length !== width * height * channels) throw new Error("samples are missing");
      let letters = "";
      for (const sample of data) letters += String.fromCharCode(sample);
      return { width, height, channels, data: btoa(letters) };
    } catch (error) {
      if (!(error instanceof FractourError)) throw error;
      return { error: error.message };
    }
  });
}
"""


def _sent(files: Sequence[bytes], partial: bool) -> str:
    texts = [base64.b64encode(data).decode("ascii") for data in files]
    options = {"partial": partial, "maxPixels": MAX_PIXELS}
    return json.dumps([[text, options] for text in texts])


def _received(text: str) -> list[Found]:
    out: list[Found] = []
    for one in json.loads(text):
        if "error" in one:
            out.append(one["error"])
            continue
        pixels = np.frombuffer(base64.b64decode(one["data"]), np.uint8)
        out.append(pixels.reshape(one["height"], one["width"], one["channels"]))
    return out


def in_node(script: str, given: str = "", timeout: int = 300) -> str:
    """Run an ES module in Node, `given` on stdin; return its stdout."""
    assert NODE is not None
    ended = subprocess.run(
        [NODE, "--input-type=module", "-e", script],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def decoded_in_node(module: Path, files: Sequence[bytes], *, partial: bool = False) -> list[Found]:
    """Decode files in one run of Node."""
    script = (
        f"import {{ decode, FractourError }} from {json.dumps(module.as_uri())};\n"
        'import { readFileSync } from "node:fs";\n'
        f"{_HARNESS}"
        'const files = JSON.parse(readFileSync(0, "utf8"));\n'
        "process.stdout.write(JSON.stringify(decodeAll(files)));\n"
    )
    return _received(in_node(script, _sent(files, partial)))


def in_chromium(page: str, folder: Path, *, dark: bool = False, timeout: int = 120) -> str:
    """Open a page in headless Chromium; return the document when it has loaded, as HTML."""
    assert CHROMIUM is not None
    path = folder / "page.html"
    path.write_text(page, "utf-8")
    ended = subprocess.run(
        [
            *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            # Without network: names resolve to nothing.
            *("--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}"),
            *(["--blink-settings=preferredColorScheme=0"] if dark else []),
            path.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return ended.stdout


def written(document: str) -> str:
    """Text of the element ``<pre id="found">`` of a document."""
    found = re.search(r'<pre id="found">(.*?)</pre>', document, re.DOTALL)
    assert found is not None, document[-2000:]
    return html.unescape(found[1])


def decoded_in_chromium(module: Path, files: Sequence[bytes], folder: Path) -> list[Found]:
    """Decode files on one page of headless Chromium."""
    page = (
        '<!doctype html><meta charset="utf-8"><pre id="found"></pre><script type="module">\n'
        f"{module.read_text('utf-8')}{_HARNESS}"
        f"const found = decodeAll({_sent(files, False)});\n"
        'document.getElementById("found").textContent = JSON.stringify(found);\n</script>\n'
    )
    return _received(written(in_chromium(page, folder)))
