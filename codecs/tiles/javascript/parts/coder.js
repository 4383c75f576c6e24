// The entropy coder: shared/FORMAT.md, section 2.

const KNOTS = [1, 1, 2, 2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 28, 36, 47, 60, 77, 98, 126, 162, 208,
  267, 342, 439, 562, 720, 922, 1179, 1506, 1921, 2446, 3108, 3938, 4971, 6249, 7812, 9702, 11955,
  14595, 17625, 21025, 24743, 28693, 32768];
const DOMAIN = 2816;
const SQUASH = new Uint16Array(2 * DOMAIN + 1);
const STRETCH = new Int16Array(4096).fill(DOMAIN);
const RATE = Int32Array.from({ length: 256 }, (_, n) => Math.floor(131072 / (2 * n + 3)));

function fillSquashAndStretch() {
  const knot = (i) => (i < 45 ? KNOTS[i] : 65536 - (KNOTS[88 - i] ?? 0));
  let q = 0;
  for (let s = 0; s <= 2 * DOMAIN; s++) {
    const i = s >> 6;
    const r = s & 63;
    SQUASH[s] = clamp((knot(i) * (64 - r) + knot(i + 1) * r + 32) >> 6, 1, 65535);
    for (; q <= SQUASH[s] >> 4; q++) STRETCH[q] = s - DOMAIN;
  }
}

function clamp(value, low, high) {
  return value < low ? low : value > high ? high : value;
}

/** Bits of a number that is not negative; 0 for 0. */
function bitLength(value) {
  let size = 0;
  for (; value >= 1; value /= 2) size++;
  return size;
}

/**
 * Reads decisions of given probabilities from a stream.
 *
 * `range` and `code` are of 32 bits and their products with probabilities of 48: exact in doubles,
 * not in the operators on 32 bits. Once a trimmed or cut stream has ended all decisions are 0.
 */
class RangeDecoder {
  constructor(stream, complete) {
    this.stream = stream;
    this.complete = complete;
    this.range = 0xffffffff;
    this.code = 0;
    for (let i = 0; i < 4; i++) this.code = this.code * 256 + (stream[i] ?? 0);
    this.at = 4;
    this.ended = !complete && stream.length < 4;
    if (this.code === this.range) throw new FractourError("no encoder writes such a stream");
  }

  /** A decision whose probability of being 1 is p / 65536. */
  decide(p) {
    if (this.ended) return 0;
    const bound = Math.floor((this.range * p) / 65536);
    let bit = 0;
    if (this.code < bound) {
      bit = 1;
      this.range = bound;
    } else {
      this.code -= bound;
      this.range -= bound;
    }
    while (this.range < 0x1000000) {
      const next = this.at < this.stream.length ? this.stream[this.at] : this.missing();
      this.range *= 256;
      this.code = this.code * 256 + next;
      this.at++;
    }
    return bit;
  }

  missing() {
    if (!this.complete) this.ended = true;
    // The encoder leaves off up to four zero bytes.
    else if (this.at >= this.stream.length + 4) {
      throw new FractourError("the data ends before the picture does; the file is damaged");
    }
    return 0;
  }

  /** An Exp-Golomb word of order 0, at most 16 bits beside its leading one; all bits even odds. */
  escape() {
    let size = 0;
    while (size < 16 && this.decide(32768)) size++;
    let value = 1;
    for (let i = 0; i < size; i++) value = 2 * value + this.decide(32768);
    return value - 1;
  }
}

let states = null;
let paletteStates = null;

/** The same with the adaptive state of a picture. */
class Coder extends RangeDecoder {
  constructor(stream, complete) {
    super(stream, complete);
    if (states === null) {
      fillSquashAndStretch();
      states = unpackStates(STATES, CONTEXTS, WEIGHTS, COUNTS, USUAL);
      paletteStates = unpackStates(PALETTE_STATES, PALETTE_CONTEXTS, PALETTE_WEIGHTS,
        PALETTE_COUNTS, PALETTE_USUAL);
    }
    this.probability = states.probability.slice();
    this.count = states.count.slice();
    this.weights = states.weights.slice();
    /** Contexts of the next decision: set them, then call `mixed`. */
    this.contexts = new Int32Array(6);
    this.inputs = new Int32Array(6);
  }

  /** Append the states of palettes, and contexts by the hash of what is nearby, which are new. */
  extend() {
    this.paletteAt = { contexts: this.probability.length, weights: this.weights.length };
    const joined = (kind, parts) => {
      const out = new kind(parts.reduce((sum, part) => sum + part.length, 0));
      parts.reduce((at, part) => (out.set(part, at), at + part.length), 0);
      return out;
    };
    const fresh = new Uint16Array(7 * NAMES);
    const { probability, count, weights } = paletteStates;
    this.count = joined(Uint8Array, [this.count, count, fresh]);
    this.probability = joined(Uint16Array, [this.probability, probability, fresh.fill(32768)]);
    this.weights = joined(Int32Array, [this.weights, weights]);
  }

  /** A decision predicted by the first `m` of `contexts`, mixed with the weights from a and b on. */
  mixed(m, a, b) {
    if (this.ended) return 0;
    const { probability, count, weights, contexts, inputs } = this;
    let dot = 0;
    for (let i = 0; i < m; i++) {
      const x = STRETCH[probability[contexts[i]] >> 4];
      inputs[i] = x;
      dot += x * (weights[a + i] + weights[b + i]);
    }
    const p = SQUASH[clamp(Math.floor((dot + 32768) / 65536), -DOMAIN, DOMAIN) + DOMAIN];
    const bit = this.decide(p);
    const target = bit ? 65535 : 0;
    const error = target - p;
    for (let i = 0; i < m; i++) {
      const change = (inputs[i] * error + 32768) >> 16;
      weights[a + i] += change;
      weights[b + i] += change;
      const c = contexts[i];
      probability[c] += Math.floor(((target - probability[c]) * RATE[count[c]]) / 65536);
      if (count[c] < 255) count[c]++;
    }
    return bit;
  }
}
