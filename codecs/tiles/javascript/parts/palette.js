// Blocks of few colours: codecs/tiles/FORMAT.md, section 8.

const MARGIN = 3;
const NAMES = 65536;
const TRAINED = 832;
const HASHED = (k) => TRAINED + k * NAMES;

/** Mix one more index into a name of 32 bits. */
function mixIn(name, value) {
  return Math.imul(name + value + 1, 0x2545f491) >>> 0;
}

/** Blocks, colours, and by pixel the index of its colour, with a margin of three pixels. */
class Palette {
  constructor(width, height, channels) {
    this.width = width;
    this.height = height;
    this.channels = channels;
    this.rows = (height + 7) >> 3;
    this.columns = (width + 7) >> 3;
    this.blocks = new Uint8Array(this.rows * this.columns);
    this.colours = [];
    this.stride = width + 2 * MARGIN;
    this.indices = new Uint8Array(this.stride * (height + 2 * MARGIN));
  }

  /** 1 for a palette block; 0 for others and outside the picture. */
  block(row, column) {
    const inside = row >= 0 && column >= 0 && row < this.rows && column < this.columns;
    return inside ? this.blocks[row * this.columns + column] : 0;
  }

  /** Whether blocks hide all that a square of pixels shows of the picture. */
  hides(top, left, side) {
    if (side < 8) return false;
    const [bottom, right] = [Math.min(top + side, this.height), Math.min(left + side, this.width)];
    for (let row = top >> 3; row <= (bottom - 1) >> 3; row++) {
      for (let column = left >> 3; column <= (right - 1) >> 3; column++) {
        if (!this.block(row, column)) return false;
      }
    }
    return true;
  }
}

/** Colours and blocks, or null if the picture has none. */
function readPalette(coder, tiles) {
  if (!coder.decide(128)) return null;
  coder.extend();
  const palette = new Palette(tiles.width, tiles.height, tiles.steps.length);
  let count = 0;
  for (let k = 0; k < 8; k++) count = 2 * count + coder.decide(32768);
  let before = new Array(palette.channels).fill(0);
  for (let i = 0; i <= count; i++) {
    before = before.map((value, component) => {
      const word = coder.escape();
      const positive = component === 0 && i > 1;
      const change = positive ? word : word & 1 ? -((word + 1) >> 1) : word >> 1;
      return clamp(value + change, -128, 127);
    });
    palette.colours.push(before);
  }
  const { contexts, paletteAt: at } = coder;
  for (let row = 0; row < palette.rows; row++) {
    for (let column = 0; column < palette.columns; column++) {
      const block = (y, x) => palette.block(row + y, column + x);
      const near = block(0, -1) * 2 + block(-1, 0);
      contexts[0] = at.contexts + near * 4 + block(-1, -1) * 2 + block(-1, 1);
      contexts[1] = at.contexts + 16 + near * 4 + block(0, -2) * 2 + block(-2, 0);
      palette.blocks[row * palette.columns + column] = coder.mixed(2, at.weights, at.weights + 2);
    }
  }
  return palette;
}

/** What came last after 4, 10 and 16 pixels nearby that looked the same. */
class Memory {
  constructor() {
    this.symbols = [0, 1, 2].map(() => new Uint8Array(NAMES));
    this.trust = [0, 1, 2].map(() => new Uint8Array(NAMES));
    this.names = [0, 0, 0];
  }

  /** Two guesses (the second may be -1) of the index at `i`, and where they are from. */
  foresee(indices, stride, i) {
    const groups = [
      [-1, -stride, -stride - 1, -stride + 1],
      [-2, -2 * stride, -stride - 2, -stride + 2, -2 * stride - 1, -2 * stride + 1],
      [-3, -3 * stride, -2 * stride - 2, -2 * stride + 2, -stride + 3, -stride - 3],
    ];
    let name = 0;
    groups.forEach((group, order) => {
      for (const offset of group) name = mixIn(name, indices[i + offset]);
      this.names[order] = name >>> 16;
    });
    let [first, second, order, sure, secondOrder] = [indices[i - 1], -1, 0, 0, 0];
    for (let k = 2; k >= 0; k--) {
      const trust = this.trust[k][this.names[k]];
      const guess = this.symbols[k][this.names[k]];
      if (trust === 0) continue;
      if (order === 0) [first, order, sure] = [guess, k + 1, trust];
      else if (second < 0 && guess !== first) [second, secondOrder] = [guess, k + 1];
    }
    for (const offset of [-1, -stride, -stride + 1, -stride - 1]) {
      if (second < 0 && indices[i + offset] !== first) second = indices[i + offset];
    }
    return { first, second, order, sure, secondOrder };
  }

  learn(index) {
    this.names.forEach((name, order) => {
      const [symbols, trust] = [this.symbols[order], this.trust[order]];
      if (symbols[name] === index) trust[name] = Math.min(trust[name] + 1, 7);
      else if (trust[name] > 1) trust[name] >>= 1;
      else [symbols[name], trust[name]] = [index, 1];
    });
  }
}

/** The indices of all pixels in palette blocks, row by row. */
function readIndices(coder, palette) {
  const memory = new Memory();
  const { stride, indices } = palette;
  const depth = bitLength(palette.colours.length - 1);
  for (let y = 0; y < palette.height; y++) {
    for (let x = 0; x < palette.width; x++) {
      if (!palette.block(y >> 3, x >> 3)) continue;
      if (coder.ended) return;
      const i = (y + MARGIN) * stride + x + MARGIN;
      indices[i] = readIndex(coder, palette, memory, i, depth);
      memory.learn(indices[i]);
    }
  }
}

function readIndex(coder, { indices, stride, colours }, memory, i, depth) {
  const { contexts, paletteAt: at } = coder;
  const { first, second, order, sure, secondOrder } = memory.foresee(indices, stride, i);
  const { names } = memory;
  const [west, north] = [indices[i - 1], indices[i - stride]];
  const same = (index) => (index === first ? 1 : 0);
  const pattern = 8 * same(west) + 4 * same(north) + 2 * same(indices[i - stride + 1]) +
    same(indices[i - stride - 1]);
  let near = mixIn(mixIn(mixIn(7, first), west), north);
  contexts[0] = at.contexts + 32 + (order * 8 + sure) * 16 + pattern;
  for (let k = 0; k < 3; k++) contexts[1 + k] = at.contexts + HASHED(k) + names[k];
  contexts[4] = at.contexts + HASHED(3) + (near >>> 16);
  if (coder.mixed(5, at.weights + 4 + order * 5, at.weights + 24 + sure * 5)) return first;
  if (second >= 0) {
    near = mixIn(near, second);
    contexts[0] = at.contexts + 544 + secondOrder * 8 + (pattern >> 1);
    contexts[1] = at.contexts + HASHED(4) + (near >>> 16);
    contexts[2] = at.contexts + HASHED(4) + (mixIn(names[0] << 8, first) >>> 16);
    if (coder.mixed(3, at.weights + 64 + secondOrder * 3, at.weights + 76)) return second;
  }
  const beside = mixIn(mixIn(3, west), north);
  let node = 1;
  for (let k = depth - 1; k >= 0; k--) {
    contexts[0] = at.contexts + 576 + node;
    contexts[1] = at.contexts + HASHED(5) + (mixIn(beside, node) >>> 16);
    contexts[2] = at.contexts + HASHED(6) + (mixIn(names[0] << 8, node) >>> 16);
    node = 2 * node + coder.mixed(3, at.weights + 79 + k * 3, at.weights + 103 + order * 3);
  }
  return Math.min(node - (1 << depth), colours.length - 1);
}

/** Put the colours over what the planes hold. */
function paintPalette(palette, planes, width) {
  for (let y = 0; y < palette.height; y++) {
    for (let x = 0; x < palette.width; x++) {
      if (!palette.block(y >> 3, x >> 3)) continue;
      const index = palette.indices[(y + MARGIN) * palette.stride + x + MARGIN];
      palette.colours[index].forEach((value, component) => {
        planes[component][y * width + x] = value * 64;
      });
    }
  }
}
