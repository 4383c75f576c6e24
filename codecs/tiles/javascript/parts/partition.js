// Parameters, quadtrees and what every leaf says of itself: codecs/tiles/FORMAT.md, 1 and 2.

const CHROMA_OFFSETS = [-12, -6, 0, 6, 12, 18, 24, 36];
const GAINS = [4096, 3931, 4509];

/** Quantizer steps of the components, 16 fractional bits. */
function componentSteps(index, chroma, channels) {
  return Array.from({ length: channels }, (_, component) => {
    const part = channels > 2 && component < 3 ? component : 0;
    const i = clamp(index + (part ? CHROMA_OFFSETS[chroma] : 0), 0, 303);
    return Math.floor((MANTISSAS[i % 24] * 2 ** Math.floor(i / 24) * GAINS[part]) / 4096);
  });
}

/** What is known of a picture: the leaves in coding order, and which of them lies where. */
class Tiles {
  constructor(width, height, channels, steps) {
    this.width = width;
    this.height = height;
    this.steps = steps;
    /** First component and number of components of each partition. */
    this.partitions = { 1: [[0, 1]], 2: [[0, 1], [1, 1]], 3: [[0, 1], [1, 2]],
      4: [[0, 1], [1, 2], [3, 1]] }[channels];
    // Cells of 4 x 4 pixels inside the picture; the grid goes on to whole superblocks.
    this.rows = (height + 3) >> 2;
    this.columns = (width + 3) >> 2;
    this.gridRows = Math.ceil(height / 64) * 16;
    this.gridColumns = Math.ceil(width / 64) * 16;
    this.leaves = [];
    /** Blocks of few colours that hide leaves. */
    this.palette = null;
    this.grids = steps.map(() => new Array(this.gridRows * this.gridColumns).fill(null));
  }

  /** The leaf of a component at a cell; null outside the grid, and where none is yet. */
  leaf(component, y, x) {
    if (y < 0 || x < 0 || y >= this.gridRows || x >= this.gridColumns) return null;
    return this.grids[component][y * this.gridColumns + x];
  }

  add(leaf) {
    this.leaves.push(leaf);
    const grid = this.grids[leaf.component];
    for (let y = leaf.cy; y < leaf.cy + leaf.span; y++) {
      const row = y * this.gridColumns + leaf.cx;
      grid.fill(leaf, row, row + leaf.span);
    }
  }
}

/** The first stage: palette blocks, and all leaves. */
function readPartition(coder, tiles) {
  tiles.palette = readPalette(coder, tiles);
  for (let top = 0; top < tiles.height; top += 64) {
    for (let left = 0; left < tiles.width; left += 64) {
      for (const [first, size] of tiles.partitions) {
        readNode(coder, tiles, first, size, top, left, 6);
      }
    }
  }
}

function readNode(coder, tiles, first, size, top, left, log) {
  if (top >= tiles.height || left >= tiles.width) return;
  const hidden = tiles.palette !== null && tiles.palette.hides(top, left, 1 << log);
  if (log > 2 && !hidden && readSplit(coder, tiles, first, size - 1, top >> 2, left >> 2, log)) {
    const half = 1 << (log - 1);
    readNode(coder, tiles, first, size, top, left, log - 1);
    readNode(coder, tiles, first, size, top, left + half, log - 1);
    readNode(coder, tiles, first, size, top + half, left, log - 1);
    readNode(coder, tiles, first, size, top + half, left + half, log - 1);
    return;
  }
  for (let i = 0; i < size; i++) {
    readLeaf(coder, tiles, first + i, size > 1 ? 1 + i : 0, top >> 2, left >> 2, log, hidden);
  }
}

/** Whether a node is split; role is 1 for the pair of chroma. */
function readSplit(coder, tiles, first, role, cy, cx, log) {
  const { rows, columns } = tiles;
  const { contexts } = coder;
  const sizeAt = (y, x) => tiles.leaf(first, y, x)?.log ?? 0;
  const relative = (size) => (size === 0 ? 0 : clamp(log - size, 0, 3) + 1);
  const span = 1 << (log - 2);
  const hy = clamp(rows - 1 - cy, 0, span >> 1);
  const hx = clamp(columns - 1 - cx, 0, span >> 1);
  const west = sizeAt(cy, cx - 1);
  const north = sizeAt(cy - 1, cx);
  let finer = 0;
  for (const size of [west, north, sizeAt(cy + hy, cx - 1), sizeAt(cy - 1, cx + hx)]) {
    if (size > 0 && size < log) finer++;
  }
  let deep = 0;
  if (role) {
    let least = log;
    for (let y = cy; y < Math.min(cy + span, rows); y++) {
      for (let x = cx; x < Math.min(cx + span, columns); x++) {
        least = Math.min(least, tiles.leaf(0, y, x).log);
      }
    }
    deep = log - least;
  } else if (cy > 0 && cx + span < columns) {
    deep = relative(sizeAt(cy - 1, cx + span));
  }
  const corner = relative(sizeAt(cy - 1, cx - 1));
  const kind = role * 4 + log - 3;
  contexts[0] = kind * 5 + finer;
  contexts[1] = 40 + (kind * 5 + relative(west)) * 5 + relative(north);
  contexts[2] = 240 + (kind * 5 + deep) * 5 + corner;
  return coder.mixed(3, kind * 3, 24 + finer * 3);
}

/** Prediction of a leaf's mean, 6 fractional bits, and how far those it is made of lie apart. */
function predictMean(tiles, component, cy, cx, span) {
  if (cy === 0 && cx === 0) return [0, 0];
  const average = (count, meanAt) => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += meanAt(i);
    return Math.floor((sum + (count >> 1)) / count);
  };
  const mean = (y, x) => tiles.leaf(component, y, x).mean;
  const west = cx && average(Math.min(span, tiles.rows - cy), (i) => mean(cy + i, cx - 1));
  const north = cy && average(Math.min(span, tiles.columns - cx), (i) => mean(cy - 1, cx + i));
  if (cy === 0) return [west, 0];
  if (cx === 0) return [north, 0];
  const low = Math.min(west, north);
  const high = Math.max(west, north);
  const planar = clamp(west + north - mean(cy - 1, cx - 1), low, high);
  return [(west + north + 2 * planar + 2) >> 2, high - low];
}

/** One leaf: residue, grade, reach, turn; nothing if `hidden`. `part` is 1 for Cb, 2 for Cr, else 0. */
function readLeaf(coder, tiles, component, part, cy, cx, log, hidden) {
  const role = part ? 1 : 0;
  const span = 1 << (log - 2);
  const step = tiles.steps[component];
  const [prediction, spread] = predictMean(tiles, component, cy, cx, span);
  // Beyond 32 bits, hence powers and Math.floor in place of shifts.
  const unit = 2 ** (log + 10);
  const predicted = Math.floor((2 * prediction * unit + step) / (2 * step));
  const apart = Math.min(bitLength(Math.floor((2 * spread * unit) / step)), 5);
  const my = Math.min(cy + (span >> 1), tiles.rows - 1);
  const mx = Math.min(cx + (span >> 1), tiles.columns - 1);
  const near = {
    west: tiles.leaf(component, my, cx - 1),
    north: tiles.leaf(component, cy - 1, mx),
    luma: role ? tiles.leaf(0, my, mx) : null,
    blue: part === 2 ? tiles.leaf(1, my, mx) : null,
  };
  const limit = 1 << 24;
  const residue = hidden ? 0 : readResidue(coder, part, log - 2, apart, near);
  const level = clamp(predicted + residue, -limit, limit);
  const mean = clamp(Math.floor((level * step + unit / 2) / unit), -(1 << 20), 1 << 20);
  const late = Math.min(bitLength(Math.abs(residue)), 5);
  const grade = hidden ? 0 : readGrade(coder, role, log - 2, apart, near, late);
  const reach = grade ? readReach(coder, role, log, grade, near) : 0;
  const turn = grade && !role ? readTurn(coder, log, grade, reach, near) : 0;
  tiles.add({ component, part, cy, cx, span, log, level, mean, grade, reach, turn,
    residue: clamp(residue, -limit, limit), my, mx, known: grade === 0, levels: null });
}

function readResidue(coder, part, k, apart, near) {
  const { contexts } = coder;
  const role = part ? 1 : 0;
  const west = near.west?.residue ?? 0;
  const north = near.north?.residue ?? 0;
  const luma = near.luma?.residue ?? 0;
  const blue = near.blue?.residue ?? 0;
  const a = Math.min(Math.abs(west), 3);
  const b = Math.min(Math.abs(north), 3);
  const c = Math.min(bitLength(Math.abs(luma)), 3);
  const d = Math.min(bitLength(Math.abs(blue)), 3);
  contexts[0] = 440 + (role * 5 + k) * 6 + apart;
  contexts[1] = 500 + ((role * 5 + k) * 4 + a) * 4 + b;
  contexts[2] = 660 + ((part * 5 + k) * 4 + c) * 4 + d;
  if (!coder.mixed(3, 39 + (role * 5 + k) * 3, 69 + apart * 3)) return 0;
  let size = 1;
  for (; size <= 14; size++) {
    const i = size - 1;
    contexts[0] = 900 + (role * 14 + i) * 5 + k;
    contexts[1] = 1040 + (role * 14 + i) * 6 + apart;
    contexts[2] = 1208 + ((role * 14 + i) * 4 + Math.min(a + b, 3)) * 4 + c;
    if (!coder.mixed(3, 87 + role * 3, 93 + Math.min(i, 3) * 3)) break;
  }
  if (size > 14) size += coder.escape();
  const sign = (value) => Math.sign(value) + 1;
  contexts[0] = 1656 + (role * 3 + sign(luma)) * 5 + k;
  contexts[1] = 1686 + (part * 3 + sign(luma)) * 3 + sign(blue);
  contexts[2] = 1713 + (role * 3 + sign(west)) * 3 + sign(north);
  return coder.mixed(3, 105 + role * 3, 111 + k * 3) ? -size : size;
}

/** Bits of the leaf's largest level; `late` is of its residue. */
function readGrade(coder, role, k, apart, near, late) {
  const { contexts } = coder;
  const gradeOf = (leaf) => (leaf === null ? 0 : Math.min(leaf.grade + 1, 5));
  const a = gradeOf(near.west);
  const b = gradeOf(near.north);
  const c = role ? gradeOf(near.luma) : apart;
  const d = gradeOf(near.blue);
  let grade = 0;
  for (; grade < 15; grade++) {
    const j = Math.min(grade, 7);
    contexts[0] = 1731 + (role * 5 + k) * 8 + j;
    contexts[1] = 1811 + ((role * 8 + j) * 6 + a) * 6 + b;
    contexts[2] = 2387 + ((role * 8 + j) * 6 + c) * 6 + d;
    contexts[3] = 2963 + ((role * 8 + j) * 5 + k) * 6 + late;
    if (!coder.mixed(4, 153 + (role * 2 + Math.min(j, 1)) * 4, 169 + k * 4)) break;
  }
  return grade;
}

/** The last diagonal of the leaf that holds a level. */
function readReach(coder, role, log, grade, near) {
  const { contexts } = coder;
  const k = log - 2;
  const reachOf = (leaf) => {
    if (leaf === null) return 0;
    if (leaf.grade === 0) return 1;
    const reach = log >= leaf.log ? leaf.reach << (log - leaf.log) : leaf.reach >> (leaf.log - log);
    return Math.min(1 + bitLength(reach), 8);
  };
  const a = reachOf(near.west);
  const b = reachOf(near.north);
  const c = reachOf(near.luma);
  const d = near.blue === null ? Math.min(grade, 8) : reachOf(near.blue);
  const most = bitLength((2 << log) - 3);
  let size = 0;
  for (; size < most; size++) {
    contexts[0] = 3443 + ((role * 5 + k) * 4 + Math.min(grade, 4) - 1) * 8 + size;
    contexts[1] = 3763 + ((role * 8 + size) * 9 + a) * 9 + b;
    contexts[2] = 5059 + ((k * 8 + size) * 9 + c) * 9 + d;
    if (!coder.mixed(3, 126 + (role * 2 + (size > 1 ? 1 : 0)) * 3, 138 + k * 3)) break;
  }
  if (size < 2) return size + 1;
  let value = 1;
  for (let depth = 0; depth < size - 1; depth++) {
    contexts[0] = 8299 + ((role * 5 + k) * 8 + size) * 8 + depth;
    contexts[1] = 8939 + (size * 8 + depth) * 4 + (value & 3);
    value = 2 * value + coder.mixed(2, 189 + role * 2, 193 + size * 2);
  }
  return Math.min(value + 1, (2 << log) - 2);
}
