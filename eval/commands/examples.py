"""What every ``--help`` ends with: lines to copy."""

from __future__ import annotations

EXAMPLES: dict[str, tuple[str, ...]] = {
    "encode": (
        "fractour encode photo.png photo.frc --budget 4000",
        "fractour encode photo.png photo.frc --budget 0.2bpp --codec contour",
        "fractour encode holiday/*.jpg small/ --budget 100:1",
        "fractour encode photo.png photo.frc --target 0.2",
    ),
    "decode": (
        "fractour decode photo.frc photo.png",
        "fractour decode small/*.frc back/ --format webp",
        "fractour decode - - < photo.frc > photo.png",
    ),
    "placeholder": (
        "fractour placeholder photo.png",
        "fractour placeholder photo.png packet.frc --budget 237",
        "fractour placeholder photo.png --html page.html",
    ),
    "info": (
        "fractour info photo.frc",
        "fractour info photo.frc --original photo.png",
    ),
    "trim": ("fractour trim photo.frc small.frc --budget 1000",),
    "show": (
        "fractour show photo.frc explained.png",
        "fractour show photo.frc growing.gif",
    ),
    "metrics": (
        "fractour metrics photo.png photo.frc",
        "fractour metrics photo.png photo.jpg --json",
    ),
    "compare": (
        "fractour compare",
        "fractour compare --corpus ~/pictures --codec contour,tiles --budgets 0.1,0.3",
        "fractour compare --corpus ~/pictures --skip-broken",
        "fractour compare --encoders search,masked,network,network+refine --tables",
        "fractour compare --corpus kodak --dask local:8",
        "fractour compare --tiny --corpus kodak --images 4",
        "fractour compare --from results/old results/new --export rows.csv",
    ),
    "bench": (
        "fractour bench decode",
        "fractour bench encode --codec pifs,contour --images 3",
    ),
    "report": (
        "fractour report results/default-4 page.html",
        "fractour report results/kodak page.html --images 5 --budgets 0.1,0.5",
    ),
    "train": (
        "fractour train wavelet --corpus ~/pictures",
        "fractour train pifs --steps 5000 --resume",
    ),
    "codecs": ("fractour codecs --json",),
    "check": ("fractour check wavelet", "fractour check photo.frc"),
    "doctor": ("fractour doctor", "fractour doctor --warm"),
    "list": ("fractour corpora list",),
    "verify": ("fractour corpora verify synthetic",),
    "fetch": ("fractour corpora fetch kodak",),
}
"""Command to lines."""


def epilog(command: str) -> str:
    """Return what is printed below a command's options, its lines kept as they are."""
    lines = [f"  {line}" for line in EXAMPLES[command]]
    # A paragraph behind a backspace is not wrapped by click.
    return "\n".join(["\b", "Examples:", *lines])
