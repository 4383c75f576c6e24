"""Template: the smallest complete codec, a mosaic of flat blocks. Copy this folder to start.

A real codec spreads over ``format.py`` (integers to bytes and back), ``synthesis.py``
(integers to pixels), ``analysis.py`` (search encoder) and ``network.py``; here each is one
function. The normative text is ``FORMAT.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ...shared import color, entropy
from ...shared.codec import Codec, Geometry, Image, Progress, Proposal
from ...shared.compiled import compiled
from ...shared.errors import BitstreamError

_LARGEST = 255
_CONTEXTS = 9 + 9  # is a block there, by neighbours; bits of its magnitude


@compiled
def _code_blocks(rc, buf, values, model):  # type: ignore[no-untyped-def]
    """Code (C, rows, columns) int32 block values in the direction that `rc` says."""
    contexts = model[3]
    for comp in range(values.shape[0]):
        for y in range(values.shape[1]):
            for x in range(values.shape[2]):
                near = 0
                if x and values[comp, y, x - 1]:
                    near += 1
                if y and values[comp, y - 1, x]:
                    near += 1
                value = np.int64(values[comp, y, x])
                contexts[0] = min(comp, 2) * 3 + near
                there, _ = entropy.code_mixed(rc, buf, model, 1 if value else 0, 1, 0, 1)
                if rc[entropy.ENDED]:
                    return
                if not there:
                    values[comp, y, x] = 0
                    continue
                negative = entropy.code_bit(rc, buf, 1 if value < 0 else 0, 32768)
                # The magnitude less one, as a run of ones.
                size = 1
                while size < _LARGEST:
                    contexts[0] = 9 + min(size - 1, 8)
                    longer = 1 if abs(value) > size else 0
                    more, _ = entropy.code_mixed(rc, buf, model, longer, 1, 0, 1)
                    if not more or rc[entropy.ENDED]:
                        break
                    size += 1
                values[comp, y, x] = -size if negative else size


def _model() -> tuple[Any, ...]:
    """Untrained states; a real codec ships trained ones, see `shared.priors`."""
    half = np.full(_CONTEXTS, 32768, np.int32)
    count, weights = np.zeros(_CONTEXTS, np.int32), np.full(2, 32768, np.int32)
    return entropy.start_model(entropy.Tables(half, count, weights))


@dataclass(frozen=True, eq=False)
class _Blocks:
    """Quantized block means: step index, picture size, (C, rows, columns) int32 values."""

    step: int
    geometry: Geometry
    values: npt.NDArray[np.int32]
    bits: float = 0.0


def _side_and_quantum(step: int) -> tuple[int, int]:
    return 4 << step // 2, (8, 16)[step % 2]


def _grid(geometry: Geometry, step: int) -> tuple[int, int, int]:
    side, _ = _side_and_quantum(step)
    return geometry.channels, -(-geometry.height // side), -(-geometry.width // side)


class TemplateCodec(Codec):
    """A mosaic of flat blocks; what is dropped is grey."""

    name = "template"
    number = 1
    summary = "mosaic of flat blocks: the smallest complete codec, to copy from"
    steps = 42

    def analyze(
        self,
        image: Image,
        *,
        encoder: str,
        effort: int,
        limit: int | None = None,
        progress: Progress | None = None,
    ) -> Image:
        """Nothing here is independent of the step."""
        return image

    def propose(self, analysis: Image, step: int) -> Proposal:
        """Average over blocks; every non-zero block of every component is an element."""
        height, width, channels = analysis.shape
        geometry = Geometry(height, width, channels)
        side, quantum = _side_and_quantum(step)
        _, rows, columns = _grid(geometry, step)
        planes = np.stack(color.to_components(analysis))
        at_y, at_x = np.arange(rows) * side, np.arange(columns) * side
        sums = np.add.reduceat(np.add.reduceat(planes, at_y, axis=1), at_x, axis=2)
        area = np.outer(np.diff(at_y, append=height), np.diff(at_x, append=width)).astype(
            np.float64
        )
        means = sums / area
        values = np.clip(np.rint(means / quantum), -_LARGEST, _LARGEST).astype(np.int32)
        weight = np.array(color.ERROR_WEIGHTS[channels])[:, None, None]
        gain = weight * area * (means**2 - (means - values * quantum) ** 2)
        where = np.nonzero(values)
        size = np.abs(values[where]).astype(np.float64)
        return Proposal(
            step=step,
            contrast=size * quantum,
            area=np.broadcast_to(area, values.shape)[where],
            gain=gain[where],
            bits=2.0 + size,
            residual=float((weight * planes**2).sum() - gain[where].sum()),
            overhead_bits=8.0 + 0.1 * values.size,
            state=(_Blocks(step, geometry, values), where),
        )

    def write(self, proposal: Proposal, keep: npt.NDArray[np.bool_]) -> list[bytes]:
        """Write the kept blocks as one packet: the step, then the range-coded values."""
        blocks, where = proposal.state
        values = blocks.values.copy()
        values[tuple(axis[~keep] for axis in where)] = 0
        rc, buf = entropy.start_encoder(2 * values.size * (_LARGEST + 2) + 64)
        _code_blocks(rc, buf, values, _model())
        return [bytes([proposal.step]) + entropy.finish_encoder(rc, buf)]

    def read(self, geometry: Geometry, packets: Sequence[bytes], *, complete: bool) -> _Blocks:
        """Parse the packet."""
        data = b"".join(packets)
        step = data[0]
        if step >= self.steps:
            message = f"the template data declares step {step}; there are {self.steps}"
            raise BitstreamError(message)
        values = np.zeros(_grid(geometry, step), np.int32)
        rc, buf = entropy.start_decoder(data[1:], complete=complete)
        _code_blocks(rc, buf, values, _model())
        entropy.check_ended(rc)
        return _Blocks(step, geometry, values, 8.0 * len(data))

    def synthesize(self, symbols: _Blocks, *, xp: Any, scale: int = 1) -> Any:
        """Fill the blocks."""
        side, quantum = _side_and_quantum(symbols.step)
        geometry = symbols.geometry
        rows, columns = xp.arange(geometry.height) // side, xp.arange(geometry.width) // side
        values = xp.asarray(symbols.values) * quantum
        planes = [plane[rows[:, None], columns[None, :]] << 6 for plane in values]
        return color.to_pixels(xp, planes, 6)

    def bit_shares(self, symbols: _Blocks) -> dict[str, float]:
        """All bits are blocks."""
        return {"blocks": symbols.bits}

    def panels(self, symbols: _Blocks, pixels: Image) -> list[tuple[str, Image]]:
        """Draw the grid of blocks; optional, for ``fractour show``."""
        from ...shared import drawing

        side, _ = _side_and_quantum(symbols.step)
        _, rows, columns = symbols.values.shape
        at_y, at_x = np.indices((rows, columns)).reshape(2, -1) * side
        boxes = np.stack([at_y, at_x, np.full_like(at_y, side)], axis=1)
        kinds = (symbols.values != 0).any(axis=0).ravel().astype(np.int64)
        names = (drawing.Kind("grey", drawing.GREY), drawing.Kind("coded", drawing.BLUE))
        return [("grid of blocks", drawing.squares(pixels, boxes, kinds, names))]
