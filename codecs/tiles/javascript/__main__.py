"""Write ``decoder.js`` anew."""

from __future__ import annotations

from pathlib import Path

from . import NAME, joined

if __name__ == "__main__":
    Path(__file__).with_name(NAME).write_text(joined(), "utf-8")
