// The trained tables: section 7 of codecs/tiles/FORMAT.md, packed by packing.py.

/** Reads numbers that lie in a text as a stream of the format's own entropy coder. */
class Unpacker {
  constructor(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    this.stream = new RangeDecoder(bytes, true);
    this.trees = [];
  }

  /** A number of so many bits, the upper ones predicted by a tree of adaptive probabilities. */
  number(index, bits, predicted) {
    this.trees[index] ??= new Uint16Array(256).fill(32768);
    const tree = this.trees[index];
    let node = 1;
    for (let i = 0; i < predicted; i++) {
      const p = tree[node];
      const bit = this.stream.decide(p);
      tree[node] = bit ? p + ((65535 - p) >> 4) : p - (p >> 4);
      node = 2 * node + bit;
    }
    for (let i = predicted; i < bits; i++) node = 2 * node + this.stream.decide(32768);
    return node - 2 ** bits;
  }
}

/** Initial states of the contexts, and weights. */
function unpackStates(text, size, weightCount, counts, usual) {
  const unpacker = new Unpacker(text);
  const probability = new Uint16Array(size).fill(usual);
  const count = new Uint8Array(size);
  let index = 0;
  let before = 0;
  for (let c = 0; c < size; c++) {
    index = unpacker.number(index, 4, 4);
    // What training never saw has the usual state.
    if (index === 15) continue;
    count[c] = counts[index];
    before = unpacker.number(16 + (before >> 13), 16, 7);
    probability[c] = before;
  }
  const weights = Int32Array.from({ length: weightCount }, () => unpacker.number(24, 18, 6) - 131072);
  return { probability, count, weights };
}
