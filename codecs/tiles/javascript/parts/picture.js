// Samples to pixels, and the whole way: shared/FORMAT.md, sections 3 and 4.

/** Components to interleaved samples of 8 bits, without what was padded. */
function toPixels(planes, stride, width, height) {
  const channels = planes.length;
  const pixels = new Uint8Array(width * height * channels);
  const plain = (value) => clamp(((value + 32) >> 6) + 128, 0, 255);
  // Products with the colour factors have up to 45 bits.
  const mixed = (value) => clamp(Math.floor(value / 2 ** 20) + 128, 0, 255);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let i = y * stride; i < y * stride + width; i++) {
      let component = 0;
      if (channels > 2) {
        const luma = planes[0][i] * 16384 + 524288;
        const cb = planes[1][i];
        const cr = planes[2][i];
        pixels[at++] = mixed(luma + 22970 * cr);
        pixels[at++] = mixed(luma - 5638 * cb - 11700 * cr);
        pixels[at++] = mixed(luma + 29032 * cb);
        component = 3;
      }
      for (; component < channels; component++) pixels[at++] = plain(planes[component][i]);
    }
  }
  return pixels;
}

/**
 * Double one axis of samples that lie in lines; 7 more fractional bits.
 *
 * @param {Int32Array} values `lines` times `length` samples, each a group of `inner` numbers
 * @param {number} doubled how many of the 2 * length new samples are kept
 */
function doubleAxis(values, lines, length, inner, doubled) {
  const taps = new Int32Array(4 * doubled);
  for (let i = 0; i < doubled; i++) {
    const sign = i & 1 ? 1 : -1;
    for (let a = 0; a < 4; a++) {
      taps[4 * i + a] = clamp((i >> 1) + sign * (a - 1), 0, length - 1) * inner;
    }
  }
  const out = new Int32Array(lines * doubled * inner);
  let at = 0;
  for (let start = 0; start < values.length; start += length * inner) {
    for (let i = 0; i < 4 * doubled; i += 4) {
      const a = start + taps[i];
      const b = start + taps[i + 1];
      const c = start + taps[i + 2];
      const d = start + taps[i + 3];
      for (let j = 0; j < inner; j++, at++) {
        out[at] = 111 * values[b + j] - 9 * values[a + j] + 29 * values[c + j] - 3 * values[d + j];
      }
    }
  }
  return out;
}

/** Round 14 fractional bits away, and keep sixteenths of a sample between 0 and 255. */
function keepInRange(values) {
  for (let i = 0; i < values.length; i++) {
    values[i] = Math.max(0, Math.min((values[i] + 8192) >> 14, 4080));
  }
}

/** Enlarge pixels of a picture that was halved `reduction` times. */
function enlarge(pixels, width, height, channels, reduction) {
  if (reduction === 0) return pixels;
  const halved = (side, k) => Math.ceil(side / 2 ** k);
  let values = new Int32Array(pixels.length);
  for (let i = 0; i < pixels.length; i++) values[i] = 16 * pixels[i];
  for (let k = reduction - 1; k >= 0; k--) {
    const [rows, columns] = [halved(height, k + 1), halved(width, k + 1)];
    values = doubleAxis(values, 1, rows, columns * channels, halved(height, k));
    values = doubleAxis(values, halved(height, k), columns, channels, halved(width, k));
    keepInRange(values);
  }
  const out = new Uint8Array(values.length);
  for (let i = 0; i < values.length; i++) out[i] = Math.min((values[i] + 8) >> 4, 255);
  return out;
}

/**
 * Decode a file of the tiles format.
 *
 * @param {Uint8Array} bytes
 * @param {{maxPixels?: number, partial?: boolean}} [options] refuse larger pictures; take what is
 *   there of a file that was cut inside a packet, as far as that can be told from damage
 * @returns {{width: number, height: number, channels: number, data: Uint8Array}} rows of pixels of
 *   1 (grey), 2 (grey, alpha), 3 (RGB) or 4 (RGB, alpha) samples
 * @throws {FractourError} for any bytes that are no such file
 */
export function decode(bytes, { maxPixels = 64000000, partial = false } = {}) {
  const frame = readFrame(bytes, maxPixels, partial);
  if (frame.codec !== 3 || frame.version !== VERSION) {
    throw new FractourError(`this decoder reads tiles (codec 3) version ${VERSION}, not codec ` +
      `${frame.codec} version ${frame.version}`);
  }
  const { payload, complete, channels, reduction } = frame;
  if (payload.length < 2 && complete) throw new FractourError("the data is too short");
  const [index, rest] = [payload[0], payload[1] ?? 0];
  const postfilter = (rest >> 3) & 7;
  if (rest >> 6 || postfilter > POSTFILTERS) {
    throw new FractourError("the data has parameters that do not exist");
  }
  const width = Math.ceil(frame.width / 2 ** reduction);
  const height = Math.ceil(frame.height / 2 ** reduction);
  const tiles = new Tiles(width, height, channels, componentSteps(index, rest & 7, channels));
  const coder = new Coder(payload.subarray(2), complete);
  readPartition(coder, tiles);
  readLevels(coder, tiles);
  const planes = render(tiles);
  if (postfilter) {
    deblock(tiles, planes);
    refine(tiles, planes, postfilter);
  }
  if (tiles.palette !== null) paintPalette(tiles.palette, planes, tiles.gridColumns * 4);
  const pixels = toPixels(planes, tiles.gridColumns * 4, width, height);
  return { width: frame.width, height: frame.height, channels,
    data: enlarge(pixels, frame.width, frame.height, channels, reduction) };
}

/** Pixels of a decoded picture as a canvas wants them: RGB and alpha, (width * height * 4). */
export function rgba({ width, height, channels, data }) {
  const out = new Uint8ClampedArray(width * height * 4).fill(255);
  const colours = channels > 2 ? 3 : 1;
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) out[4 * i + c] = data[i * channels + (c < colours ? c : 0)];
    if (channels > colours) out[4 * i + 3] = data[i * channels + colours];
  }
  return out;
}

/** Draw a file on a canvas, which takes the size of the picture; returns the picture. */
export function paint(canvas, bytes, options) {
  const picture = decode(bytes, options);
  canvas.width = picture.width;
  canvas.height = picture.height;
  const image = new ImageData(rgba(picture), picture.width, picture.height);
  canvas.getContext("2d").putImageData(image, 0, 0);
  return picture;
}
