// Leaves to samples, and what is done to samples: codecs/tiles/FORMAT.md, sections 4 and 5.

/** Rows: frequencies; columns: samples; by the logarithm of the side. */
const BASES = [];

function basisOf(log) {
  if (BASES[log] === undefined) {
    const side = 1 << log;
    BASES[log] = Float64Array.from({ length: side * side }, (_, at) => {
      const k = at >> log;
      let m = ((2 * (at & (side - 1)) + 1) * k * (64 >> log)) & 255;
      m = Math.min(m, 256 - m);
      if (k === 0) return 11585;
      return m <= 64 ? COSINES[m] : -COSINES[128 - m];
    });
  }
  return BASES[log];
}

/** All components, padded to whole superblocks, 6 fractional bits. */
function render(tiles) {
  const width = tiles.gridColumns * 4;
  const planes = tiles.steps.map(() => new Int32Array(width * tiles.gridRows * 4));
  for (const leaf of tiles.leaves) {
    const plane = planes[leaf.component];
    if (leaf.levels === null) fillLeaf(plane, width, leaf);
    else transformLeaf(plane, width, leaf, tiles.steps[leaf.component]);
  }
  return planes;
}

function fillLeaf(plane, width, leaf) {
  const side = 1 << leaf.log;
  for (let y = 0; y < side; y++) {
    const row = (leaf.cy * 4 + y) * width + leaf.cx * 4;
    plane.fill(leaf.mean, row, row + side);
  }
}

/** Dequantize the levels of a leaf and transform them back: sums of up to 48 bits, in doubles. */
function transformLeaf(plane, width, leaf, step) {
  const { log } = leaf;
  const levels = turnedBack(leaf);
  const reach = leaf.turn ? Math.max(leaf.reach, log === 2 ? 6 : 7) : leaf.reach;
  const side = 1 << log;
  const basis = basisOf(log);
  const last = Math.min(reach, side - 1);
  const columns = new Float64Array(side * side);
  const column = new Float64Array(side);
  const coefficient = (level) => clamp(Math.floor((level * step + 65536) / 131072), -(1 << 22), 1 << 22);
  for (let v = 0; v <= last; v++) {
    const lowest = Math.min(reach - v, side - 1);
    for (let u = 0; u <= lowest; u++) {
      column[u] = coefficient(u + v === 0 ? leaf.level * 128 : levels[u * side + v]);
    }
    for (let n = 0; n < side; n++) {
      let sum = 8192;
      for (let u = 0; u <= lowest; u++) sum += column[u] * basis[u * side + n];
      columns[n * side + v] = Math.floor(sum / 16384);
    }
  }
  const unit = 2 ** (13 + log);
  for (let n = 0; n < side; n++) {
    const row = (leaf.cy * 4 + n) * width + leaf.cx * 4;
    for (let m = 0; m < side; m++) {
      let sum = unit / 2;
      for (let v = 0; v <= last; v++) sum += columns[n * side + v] * basis[v * side + m];
      plane[row + m] = Math.floor(sum / unit);
    }
  }
}

/** By the logarithm of the smaller leaf's side. */
const THRESHOLDS = [0, 0, 102, 72, 51, 36, 26];
const RAMPS = [[], [], [82, 20], [101, 57, 25, 6], [113, 87, 64, 44, 28, 16, 7, 2]];

/** Soften the seams between leaves, in place: first the vertical ones, then the horizontal ones. */
function deblock(tiles, planes) {
  const width = tiles.gridColumns * 4;
  planes.forEach((plane, component) => {
    const limits = THRESHOLDS.map((threshold) =>
      Math.floor((threshold * tiles.steps[component]) / 2 ** 18));
    for (const [dy, dx, across, along] of [[0, 1, 1, width], [1, 0, width, 1]]) {
      for (let cy = dy; cy < tiles.gridRows; cy++) {
        for (let cx = dx; cx < tiles.gridColumns; cx++) {
          const before = tiles.leaf(component, cy - dy, cx - dx);
          const after = tiles.leaf(component, cy, cx);
          if (before === after || before === null || after === null) continue;
          const log = Math.min(before.log, after.log);
          for (let i = 0; i < 4; i++) {
            const q = cy * 4 * width + cx * 4 + i * along;
            soften(plane, q, across, limits[log], RAMPS[Math.min(log, 4)]);
          }
        }
      }
    }
  });
}

/** Spread the jump before the sample at `q` over the samples on both sides, `across` apart. */
function soften(plane, q, across, limit, ramp) {
  const p = q - across;
  const jump = Math.floor((9 * (plane[q] - plane[p]) - 3 * (plane[q + across] - plane[p - across])) / 8);
  const size = Math.abs(jump);
  if (size >= 2 * limit) return;
  const change = Math.sign(jump) * Math.min(size, 2 * limit - size);
  for (let i = 0; i < ramp.length; i++) {
    const part = (change * ramp[i] + 128) >> 8;
    plane[p - i * across] += part;
    plane[q + i * across] -= part;
  }
}
