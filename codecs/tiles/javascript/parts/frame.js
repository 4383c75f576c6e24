// The container: shared/FORMAT.md, section 1.

/** What every refused file throws; the message says why. */
export class FractourError extends Error {}

/** Reads a file from its start, and refuses one that ends too early. */
class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  byte() {
    if (this.at >= this.bytes.length) throw new FractourError("the file ends inside its header");
    return this.bytes[this.at++];
  }

  /** A number of so many bytes, most significant first. */
  number(size) {
    let value = 0;
    for (let i = 0; i < size; i++) value = value * 256 + this.byte();
    return value;
  }

  varint() {
    let value = 0;
    for (let i = 0; i < 5; i++) {
      const byte = this.byte();
      // Up to 35 bits: no shifts, which are of 32.
      value += (byte & 127) * 2 ** (7 * i);
      if (byte < 128) return value;
    }
    throw new FractourError("a number in the header is longer than five bytes");
  }
}

/** CRC-16 (2 bytes) or CRC-32 (4) of all but the bytes from `start` to `end`; 0 of no bytes. */
function checksum(bytes, start, end, size) {
  if (size === 0) return 0;
  let crc = size === 4 ? -1 : 0xffff;
  for (let i = 0; i < bytes.length; i++) {
    if (i >= start && i < end) continue;
    crc ^= size === 4 ? bytes[i] : bytes[i] << 8;
    for (let bit = 0; bit < 8; bit++) {
      if (size === 4) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
      else crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
    }
  }
  return size === 4 ? ~crc >>> 0 : crc;
}

/** Width and height in one of four forms. */
function readSides(reader, form) {
  if (form === 0) {
    const width = reader.varint();
    return [width, reader.varint()];
  }
  const value = reader.number(4 - form);
  const bits = [12, 8, 4][form - 1];
  const unit = [1, 16, 64][form - 1];
  return [((value >> bits) + 1) * unit, ((value & ((1 << bits) - 1)) + 1) * unit];
}

/** What stands in front of the checksum, as an object. */
function readHeader(reader) {
  const first = reader.byte();
  if (first === 0x8f) {
    if (reader.byte() !== 0x46) throw new FractourError("this is not a fractour file");
    const codec = reader.byte();
    const flags = reader.byte();
    const sides = readSides(reader, 0);
    return { flags, codec, version: flags >> 4, reduction: 0, channels: (flags & 3) + 1, sides,
      checksum: 4, valid: codec < 128 };
  }
  if (first >> 4 === 10) {
    const shape = reader.byte();
    const sides = readSides(reader, shape >> 6);
    return { flags: 0, codec: [2, 3, 4, 6][shape & 3], version: first & 15,
      reduction: (shape >> 3) & 7, channels: shape & 4 ? 3 : 1, sides, checksum: 0,
      valid: (first & 15) !== 0 };
  }
  if (first >> 4 !== 9) throw new FractourError("this is not a fractour file");
  const second = reader.byte();
  const near = second & 15;
  const codec = near === 0 ? reader.byte() : near;
  const shape = reader.byte();
  const sides = readSides(reader, shape >> 6);
  const compact = (shape & 32) !== 0;
  return { flags: first, codec, version: second >> 4, reduction: (shape >> 2) & 7,
    channels: (shape & 3) + 1, sides, checksum: 2 * (first & 3),
    valid: (near !== 0 || (codec > 15 && codec < 128)) && (first & 3) < 3 &&
      compact === ((first & 3) === 0) };
}

/**
 * The frame of a file.
 *
 * @param {Uint8Array} bytes
 * @param {number} maxPixels more are refused, before memory is taken
 * @param {boolean} partial take what is there of a file that was cut inside a packet
 * @returns {{codec, version, width, height, channels, reduction, payload: Uint8Array,
 *   complete: boolean}}
 */
function readFrame(bytes, maxPixels, partial) {
  const reader = new Reader(bytes);
  const header = readHeader(reader);
  const [width, height] = header.sides;
  if (!header.valid || width === 0 || height === 0) {
    throw new FractourError("the header is not valid; the file is damaged");
  }
  if (width * height > maxPixels || Math.max(width, height) > 2097151) {
    throw new FractourError(`the file declares ${width} x ${height} pixels, which are too many`);
  }
  const start = reader.at;
  const sum = reader.number(header.checksum);
  const end = reader.at;
  const declared = header.flags & 4 ? reader.byte() + 1 : 1;
  const sizes = [];
  for (let i = 1; i < declared; i++) sizes.push(reader.varint());
  if (((header.flags & 4) !== 0 && declared < 2) || declared > 32 || sizes.includes(0)) {
    throw new FractourError("the table of packets is not valid; the file is damaged");
  }
  if (reader.at >= bytes.length) throw new FractourError("the file ends before its first packet");
  // The packets lie one after the other: only the place where the file ends says what is there.
  let last = reader.at;
  let there = 0;
  for (const size of sizes) {
    if (last >= bytes.length) break;
    last += size;
    there++;
  }
  let cut = last > bytes.length;
  if (there === sizes.length && last < bytes.length) there++;
  const whole = there === declared;
  if (whole && checksum(bytes, start, end, header.checksum) !== sum) {
    if (!partial) throw new FractourError("the checksum does not match; the file is damaged");
    cut = true;
  }
  if (cut && !partial) throw new FractourError("the file ends inside a packet");
  return { codec: header.codec, version: header.version, width, height,
    channels: header.channels, reduction: header.reduction, payload: bytes.subarray(reader.at),
    complete: whole && !cut && (header.flags & 8) === 0 };
}
