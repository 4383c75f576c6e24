// The classified Wiener filter: section 5.2 of codecs/tiles/FORMAT.md.

const TAPS = [[0, 1], [0, 2], [0, 3], [1, -2], [1, -1], [1, 0], [1, 1], [1, 2], [2, -1], [2, 0],
  [2, 1], [3, 0]];
const STEEPNESS = [1, 4, 12, 32, 80];
const CLASSES = 1 + 9 * STEEPNESS.length;
const WEIGHTS_A_CLASS = 3 * TAPS.length;

/** Weights of all sets; those of the first class, which has none, are 0. */
function unpackFilters() {
  const unpacker = new Unpacker(FILTERS);
  const filters = new Int8Array(POSTFILTERS * 2 * CLASSES * WEIGHTS_A_CLASS);
  const each = CLASSES * WEIGHTS_A_CLASS;
  for (let at = 0; at < filters.length; at++) {
    if (at % each >= WEIGHTS_A_CLASS) filters[at] = unpacker.number(at % 3, 8, 8) - 128;
  }
  return filters;
}

let filters = null;

/** Filter the components of a picture, which lie at the start of padded planes, in place. */
function refine(tiles, planes, postfilter) {
  filters ??= unpackFilters();
  const each = CLASSES * WEIGHTS_A_CLASS;
  for (let component = 0; component < (planes.length > 2 ? 3 : 1); component++) {
    const first = (2 * (postfilter - 1) + Math.min(component, 1)) * each;
    filterPlane(tiles, planes[component], tiles.steps[component],
      filters.subarray(first, first + each));
  }
}

function filterPlane(tiles, plane, step, weights) {
  const { width, height } = tiles;
  const stride = tiles.gridColumns * 4;
  // The samples with a border of 3, and more where the last cells are not whole.
  const wide = tiles.columns * 4 + 6;
  const samples = new Int32Array((tiles.rows * 4 + 6) * wide);
  for (let at = 0, y = -3; y < tiles.rows * 4 + 3; y++) {
    const row = clamp(y, 0, height - 1) * stride;
    for (let x = -3; x < tiles.columns * 4 + 3; x++) {
      samples[at++] = clamp(plane[row + clamp(x, 0, width - 1)], -16383, 16383);
    }
  }
  for (let y = 0; y < height; y++) {
    const row = samples.subarray((y + 3) * wide + 3, (y + 3) * wide + 3 + width);
    plane.set(row, y * stride);
  }
  const unit = step >> 10;
  const limits = [unit >> 2, unit, unit << 2];
  const shifts = TAPS.map(([dy, dx]) => dy * wide + dx);
  for (let cy = 0; cy < tiles.rows; cy++) {
    for (let cx = 0; cx < tiles.columns; cx++) {
      const kind = steepnessClass(samples, wide, cy, cx, step);
      if (kind === 0) continue;
      const mine = weights.subarray(kind * WEIGHTS_A_CLASS, (kind + 1) * WEIGHTS_A_CLASS);
      for (let y = cy * 4; y < Math.min(cy * 4 + 4, height); y++) {
        for (let x = cx * 4; x < Math.min(cx * 4 + 4, width); x++) {
          plane[y * stride + x] = filteredSample(samples, (y + 3) * wide + x + 3, shifts, limits, mine);
        }
      }
    }
  }
}

function filteredSample(samples, here, shifts, limits, weights) {
  const value = samples[here];
  let sum = 128;
  for (let i = 0; i < shifts.length; i++) {
    const ahead = samples[here + shifts[i]] - value;
    const behind = samples[here - shifts[i]] - value;
    for (let k = 0; k < 3; k++) {
      const limit = limits[k];
      sum += weights[3 * i + k] * (clamp(ahead, -limit, limit) + clamp(behind, -limit, limit));
    }
  }
  return value + (sum >> 8);
}

/** How steep the surroundings of a cell are, and in which direction. */
function steepnessClass(samples, wide, cy, cx, step) {
  let [h, v, d, e] = [0, 0, 0, 0];
  for (let y = 0; y < 8; y += 2) {
    const row = (cy * 4 + 1 + y) * wide + cx * 4 + 1;
    for (let at = row; at < row + 8; at++) {
      const double = 2 * samples[at];
      h += Math.abs(double - samples[at - 1] - samples[at + 1]);
      v += Math.abs(double - samples[at - wide] - samples[at + wide]);
      d += Math.abs(double - samples[at - wide - 1] - samples[at + wide + 1]);
      e += Math.abs(double - samples[at - wide + 1] - samples[at + wide - 1]);
    }
  }
  const steep = Math.floor(((h + v) * 1024) / step);
  const group = STEEPNESS.filter((least) => least <= steep).length;
  if (group === 0) return 0;
  const [straight, flat] = [Math.max(h, v), Math.min(h, v)];
  const [oblique, even] = [Math.max(d, e), Math.min(d, e)];
  const upright = straight * even >= oblique * flat;
  const [high, low] = upright ? [straight, flat] : [oblique, even];
  if (high <= 2 * low) return group;
  const way = upright ? (h > v ? 0 : 1) : (d > e ? 2 : 3);
  return 5 * (1 + way + (2 * high > 9 * low ? 4 : 0)) + group;
}
