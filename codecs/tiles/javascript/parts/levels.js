// The levels of the leaves: codecs/tiles/FORMAT.md, section 3.

/** Classes by value; beyond the last one the last one holds. */
const SHAPE = [0, 1, 2, 3, 4, 5, 5, 6];
const FOUR = [0, 1, 2, 2, 3];
const SIX = [0, 1, 2, 3, 4, 4, 5];
const EIGHT = [0, 1, 2, 3, 4, 4, 5, 5, 5, 6, 6, 6, 6, 6, 7];
const GROUP = [0, 0, 1, 2, 2];
/** Class of a value: how many of these it is not below. */
const DIAGONALS = [2, 3, 4, 5, 7, 9, 13, 21, 33];
const ENDS = [1, 2, 3, 5, 9];
const GUESSES = [2, 4, 8, 16];

function classOf(table, value) {
  return table[Math.min(value, table.length - 1)];
}

function rankIn(bounds, value) {
  let rank = 0;
  while (rank < bounds.length && value >= bounds[rank]) rank++;
  return rank;
}

/** The second stage. Leaves whose levels are not all there keep none, and all after them. */
function readLevels(coder, tiles) {
  if (tiles.palette !== null) readIndices(coder, tiles.palette);
  const order = tiles.leaves.filter((leaf) => leaf.grade > 0);
  // Sorting is stable: equal ones stay in the order of the first stage.
  order.sort((a, b) => b.grade - a.grade || a.component - b.component);
  for (const leaf of order) {
    leaf.levels = new Int16Array(1 << (2 * leaf.log));
    if (!readLeafLevels(coder, tiles, leaf)) {
      leaf.levels = null;
      return;
    }
    leaf.known = true;
  }
}

/** Magnitude of another leaf's level at what is the frequency (u, v) of a leaf of side 1 << log. */
function magnitudeAt(other, log, u, v) {
  const { levels } = other;
  const shift = other.log - log;
  if (shift <= 0) return Math.abs(levels[((u >> -shift) << other.log) + (v >> -shift)]);
  const at = ((u << shift) << other.log) + (v << shift);
  return Math.max(Math.abs(levels[at]), Math.abs(levels[at + 1]),
    Math.abs(levels[at + (1 << other.log)]));
}

/** What the means around a leaf say of its levels at (0, 1), (1, 0), (1, 1), (0, 2), (2, 0). */
function guessesOf(tiles, leaf) {
  const { component, cy, cx, span, log, mean: own } = leaf;
  const mean = (y, x) => tiles.leaf(component, y, x)?.mean ?? own;
  let [west, east, north, south] = [0, 0, 0, 0];
  for (let i = 0; i < span; i++) {
    west += mean(cy + i, cx - 1);
    east += mean(cy + i, cx + span);
    north += mean(cy - 1, cx + i);
    south += mean(cy + span, cx + i);
  }
  [west, east, north, south] = [west, east, north, south].map((sum) => sum >> (log - 2));
  const twist = mean(cy - 1, cx - 1) + mean(cy + span, cx + span) - mean(cy - 1, cx + span) -
    mean(cy + span, cx - 1);
  const scale = 2 ** (log + 5);
  const slopes = [0, (west - east) * 37, (north - south) * 37, twist * 5,
    (west + east - 2 * own) * 9, (north + south - 2 * own) * 9];
  return slopes.map((slope) => Math.floor((slope * scale) / tiles.steps[component]));
}

/** The leaves near one whose levels are known by now and not all 0; null in place of others. */
function nearbyOf(tiles, leaf) {
  const { component, part, cy, cx, my, mx, span } = leaf;
  const counting = (other) => (other !== null && other.known && other.grade > 0 ? other : null);
  const blue = part === 2 ? tiles.leaf(1, my, mx) : null;
  return {
    west: counting(tiles.leaf(component, my, cx - 1)),
    east: counting(tiles.leaf(component, my, cx + span)),
    north: counting(tiles.leaf(component, cy - 1, mx)),
    south: counting(tiles.leaf(component, cy + span, mx)),
    luma: part ? counting(tiles.leaf(0, my, mx)) : null,
    blue: counting(blue),
    blueKnown: blue !== null && blue.known,
  };
}

/** All levels of a leaf, from the last diagonal to the first; false if the data ended before. */
function readLeafLevels(coder, tiles, leaf) {
  const { log, levels, reach } = leaf;
  const side = 1 << log;
  const near = nearbyOf(tiles, leaf);
  const guesses = guessesOf(tiles, leaf);
  if (leaf.turn) turnGuesses(guesses, log, leaf.turn);
  let count = 0;
  for (let diagonal = reach; diagonal >= 1; diagonal--) {
    const last = Math.min(diagonal, side - 1);
    for (let u = Math.max(0, diagonal - side + 1); u <= last; u++) {
      const v = diagonal - u;
      const which = diagonal === 1 ? 1 + u : diagonal === 2 ? [4, 3, 5][u] : 0;
      const at = { u, v, diagonal, which, guess: guesses[which], count,
        place: u === 0 ? 0 : v === 0 ? 1 : 2 };
      if (coder.ended) return false;
      const level = readLevel(coder, leaf, near, at);
      if (level === null) return false;
      if (level !== 0) count++;
      levels[u * side + v] = level;
    }
  }
  return true;
}

/** Sum of five neighbours' magnitudes of higher frequency, each at most `most`. */
function sumAround(levels, side, u, v, most) {
  const here = u * side + v;
  let sum = 0;
  if (u + 1 < side) {
    sum += Math.min(Math.abs(levels[here + side]), most);
    if (v + 1 < side) sum += Math.min(Math.abs(levels[here + side + 1]), most);
    if (u + 2 < side) sum += Math.min(Math.abs(levels[here + 2 * side]), most);
  }
  if (v + 1 < side) {
    sum += Math.min(Math.abs(levels[here + 1]), most);
    if (v + 2 < side) sum += Math.min(Math.abs(levels[here + 2]), most);
  }
  return sum;
}

/** One level, which is null if the data ended within it. */
function readLevel(coder, leaf, near, at) {
  const { contexts } = coder;
  const { log, levels, part, grade } = leaf;
  const { u, v, diagonal, which, place } = at;
  const role = part ? 1 : 0;
  const species = leaf.turn ? 3 : part;
  const manner = leaf.turn ? 2 : role;
  const k = log - 2;
  const side = 1 << log;
  const here = u * side + v;
  const most = (1 << grade) - 1;
  const three = sumAround(levels, side, u, v, 3);
  const shape = classOf(SHAPE, three);
  const four = classOf(FOUR, three);
  let around = 0;
  for (const other of [near.west, near.east, near.north, near.south]) {
    if (other !== null) around += Math.min(magnitudeAt(other, log, u, v), 15);
  }
  const twin = near.luma === null ? 0 : magnitudeAt(near.luma, log, u, v);
  const guessClass = rankIn(GUESSES, Math.abs(at.guess));
  const low = which ? guessClass : classOf(SIX, at.count);
  const dc = rankIn(DIAGONALS, diagonal);
  const end = rankIn(ENDS, leaf.reach - diagonal);

  contexts[0] = 11528 + ((manner * 5 + k) * 10 + dc) * 7 + shape;
  contexts[1] = 12578 + (((role * 5 + Math.min(grade, 5) - 1) * 6 + end) * 7 + shape) * 2;
  contexts[2] = 13418 + (((role * 6 + classOf(SIX, around)) * 4 + four) * 3 + place) * 3 +
    Math.min(grade, 3) - 1;
  contexts[3] = 13850 + (species * 5 + k) * 64 + Math.min(u, 7) * 8 + Math.min(v, 7);
  contexts[4] = role ? chromaContext(leaf, near, at, twin, four)
    : lumaContext(levels, side, u, v, place, k);
  contexts[5] = 15610 + ((which * 6 + low) * 4 + four) * 2;
  if (!coder.mixed(6, 251 + ((manner * 4 + four) * 3 + GROUP[k]) * 6,
    467 + ((role * 4 + Math.min(grade, 4) - 1) * 3 + place) * 6)) return 0;

  const wide = classOf(EIGHT, sumAround(levels, side, u, v, 15));
  const close = diagonal === 1 ? 0 : diagonal < 5 ? 1 : 2;
  let size = 1;
  for (; size < most && size <= 14; size++) {
    if (coder.ended) return null;
    const i = Math.min(size, 6) - 1;
    contexts[0] = 15898 + ((manner * 6 + i) * 8 + wide) * 3 + close;
    contexts[1] = 16330 + ((role * 6 + i) * 6 + Math.min(grade, 7) - 2) * 5 + k;
    contexts[2] = 16690 + ((role * 6 + i) * 8 + classOf(EIGHT, around)) * 4 + Math.min(twin, 3);
    contexts[3] = 17074 + ((species * 3 + Math.min(i, 2)) * 5 + k) * 36 + Math.min(u, 5) * 6 +
      Math.min(v, 5);
    if (!coder.mixed(4, 611 + (role * 3 + Math.min(i, 2)) * 4, 635 + k * 4)) break;
  }
  if (size > 14 && size < most) size = Math.min(size + coder.escape(), most);
  if (coder.ended) return null;

  // Only of cosines is it known how their signs go on.
  const alike = (other) => other !== null && other.log === log && !leaf.turn && !other.turn;
  const signAt = (other) => (alike(other) ? Math.sign(other.levels[here]) : 0);
  const across = Math.sign((signAt(near.west) + signAt(near.east)) * (v & 1 ? -1 : 1)) + 1;
  const along = Math.sign((signAt(near.north) + signAt(near.south)) * (u & 1 ? -1 : 1)) + 1;
  const own = (y, x) => (y < side && x < side ? Math.sign(levels[y * side + x]) + 1 : 1);
  const toward = at.guess >= 0 ? guessClass : -guessClass;
  contexts[0] = 19234 + (role * 6 + which) * 9 + 4 + toward;
  contexts[1] = 19342 + ((species * 3 + signAt(near.luma) + 1) * 3 + signAt(near.blue) + 1) * 3 + place;
  contexts[2] = 19450 + (((role * 3 + across) * 3 + along) * 3 + place) * 3 +
    Math.min(diagonal, 3) - 1;
  contexts[3] = 19612 + ((own(u + 2, v) * 3 + own(u, v + 2)) * 3 + own(u + 1, v + 1)) * 3 + place;
  const negative = coder.mixed(4, 655 + (role * 2 + (which ? 1 : 0)) * 4,
    671 + (place * 2 + (alike(near.luma) ? 1 : 0)) * 4);
  return negative ? -size : size;
}

/** Context 4 of "not zero?" of luma, grey and alpha. */
function lumaContext(levels, side, u, v, place, k) {
  const here = u * side + v;
  let [down, right] = [0, 0];
  if (u + 1 < side) down += Math.min(Math.abs(levels[here + side]), 3);
  if (u + 2 < side) down += Math.min(Math.abs(levels[here + 2 * side]), 3);
  if (v + 1 < side) right += Math.min(Math.abs(levels[here + 1]), 3);
  if (v + 2 < side) right += Math.min(Math.abs(levels[here + 2]), 3);
  return 15130 + ((classOf(FOUR, down) * 4 + classOf(FOUR, right)) * 3 + place) * 4 + Math.min(k, 3);
}

/** The same of Cb and Cr; `twin` is luma's magnitude there. */
function chromaContext(leaf, near, at, twin, four) {
  const { log, part } = leaf;
  const { u, v } = at;
  const side = 1 << log;
  let beside = 0;
  if (near.luma !== null) {
    if (u + 1 < side) beside += magnitudeAt(near.luma, log, u + 1, v);
    if (v + 1 < side) beside += magnitudeAt(near.luma, log, u, v + 1);
  }
  let blue = 0;
  if (near.blueKnown) {
    blue = 1 + (near.blue === null ? 0 : Math.min(Math.abs(near.blue.levels[u * side + v]), 2));
  }
  return 15322 + ((((part - 1) * 4 + Math.min(twin, 3)) * 3 + Math.min(beside, 2)) * 4 + blue) * 3 +
    Math.min(four, 2);
}
