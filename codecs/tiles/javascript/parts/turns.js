// Secondary transforms of leaves: codecs/tiles/FORMAT.md, sections 2.1 and 4.1.

const TURN_BITS = 5;
/** Tables of leaves of side 4, of side 8, and of larger ones; unpacked once they are needed. */
let turnTables = null;
/** By the logarithm of the side and the turn, made once they are needed. */
const turnsMade = new Map();

function unpackTurns() {
  const unpacker = new Unpacker(TURN_TABLES);
  return [15, 35, 35].map((count, group) =>
    Int8Array.from({ length: 8 * count * count }, () => unpacker.number(group, 8, 8) - 128));
}

/** Vertical and horizontal frequency of what is mixed in a leaf of this side. */
function mixedPlaces(side) {
  const places = [];
  for (let diagonal = 1; diagonal <= 7; diagonal++) {
    for (let u = 0; u <= diagonal; u++) {
      const v = diagonal - u;
      if (u < side && v < side) places.push([u, v]);
    }
  }
  return places;
}

/** What a turn makes of levels: where they lie, and a row of coefficients, times 128, for each. */
function turnOf(log, turn) {
  const key = log * 64 + turn;
  if (!turnsMade.has(key)) {
    turnTables ??= unpackTurns();
    const places = mixedPlaces(1 << log);
    const count = places.length;
    const [table, variant] = [(turn - 1) >> 2, (turn - 1) & 3];
    const numbers = turnTables[Math.min(log - 2, 2)];
    const rows = places.map((_, k) => places.map(([u, v]) => {
      const [y, x] = variant & 1 ? [v, u] : [u, v];
      const from = places.findIndex(([a, b]) => a === y && b === x);
      const entry = numbers[(table * count + k) * count + from];
      return variant & 2 && y & 1 ? -entry : entry;
    }));
    turnsMade.set(key, { at: places.map(([u, v]) => (u << log) + v), rows });
  }
  return turnsMade.get(key);
}

/** Which turn a leaf has, 0 for none. */
function readTurn(coder, log, grade, reach, near) {
  const { contexts } = coder;
  const k = log - 2;
  const strong = Math.min(grade, 4) - 1;
  const [west, north] = [near.west, near.north].map((leaf) =>
    (leaf === null || leaf.grade === 0 ? 0 : 1 + leaf.turn));
  contexts[0] = 9195 + (k * 4 + strong) * 4 + Math.min(bitLength(reach), 4) - 1;
  contexts[1] = 9275 + (k * 3 + Math.min(west, 2)) * 3 + Math.min(north, 2);
  if (!coder.mixed(2, 209 + k * 2, 219 + strong * 2)) return 0;
  const group = Math.min(k, 2);
  let node = 1;
  for (let depth = 0; depth < TURN_BITS; depth++) {
    contexts[0] = 9320 + group * 32 + node;
    contexts[1] = 9416 + Math.max(west - 1, 0) * 32 + node;
    contexts[2] = 10472 + Math.max(north - 1, 0) * 32 + node;
    node = 2 * node + coder.mixed(3, 227 + depth * 3, 242 + group * 3);
  }
  return node - 31;
}

/** Guesses of the five lowest coefficients, as `guessesOf` gives them, made those of levels. */
function turnGuesses(guesses, log, turn) {
  const { rows } = turnOf(log, turn);
  const order = [1, 2, 4, 3, 5];
  const before = order.map((which) => guesses[which]);
  order.forEach((which, k) => {
    const sum = before.reduce((total, guess, i) => total + guess * rows[k][i], 0);
    guesses[which] = Math.floor(sum / 128);
  });
}

/** What all levels of a leaf say of its coefficients, times 128. */
function turnedBack({ log, levels, turn }) {
  const out = Float64Array.from(levels, (level) => level * 128);
  if (turn === 0) return out;
  const { at, rows } = turnOf(log, turn);
  const sums = new Float64Array(at.length);
  at.forEach((here, k) => {
    if (levels[here] !== 0) rows[k].forEach((entry, i) => { sums[i] += levels[here] * entry; });
  });
  at.forEach((here, i) => { out[here] = clamp(sums[i], -(1 << 24), 1 << 24); });
  return out;
}
