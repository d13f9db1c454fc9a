"""Make a picture small: a PNG of at most 256 colours instead of all. For screenshots, which have few.

The 256 commonest colours stay as they are, each of the others becomes the nearest of them; a browser's canvas does the
counting.
"""

from __future__ import annotations

import base64
import struct
import zlib

from playwright.sync_api import Page

_QUANTISE = """async (picture) => {
  const image = new Image();
  image.src = `data:image/png;base64,${picture}`;
  await image.decode();
  const canvas = new OffscreenCanvas(image.width, image.height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, image.width, image.height).data;
  const counts = new Map();
  for (let at = 0; at < pixels.length; at += 4) {
    const colour = (pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2];
    counts.set(colour, (counts.get(colour) ?? 0) + 1);
  }
  const palette = [...counts].sort((a, b) => b[1] - a[1] || a[0] - b[0]).slice(0, 256).map(([colour]) => colour);
  const places = new Map(palette.map((colour, place) => [colour, place]));
  const nearest = (colour) => {
    let best = 0, least = Infinity;
    palette.forEach((other, place) => {
      let distance = 0;
      for (const bits of [16, 8, 0]) distance += (((colour >> bits) & 255) - ((other >> bits) & 255)) ** 2;
      if (distance < least) [best, least] = [place, distance];
    });
    return best;
  };
  let indexes = "";
  for (let at = 0; at < pixels.length; at += 4) {
    const colour = (pixels[at] << 16) | (pixels[at + 1] << 8) | pixels[at + 2];
    if (!places.has(colour)) places.set(colour, nearest(colour));
    indexes += String.fromCharCode(places.get(colour));
  }
  return { width: image.width, height: image.height, palette, indexes: btoa(indexes) };
}"""


def reduce_colours(page: Page, picture: bytes) -> bytes:
    """Answer a PNG that looks the same; ``page`` is any blank page."""
    reduced = page.evaluate(_QUANTISE, base64.b64encode(picture).decode())
    width, height = reduced["width"], reduced["height"]
    indexes = base64.b64decode(reduced["indexes"])
    rows = b"".join(b"\0" + indexes[row * width : (row + 1) * width] for row in range(height))  # 0: no filter
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)  # 8 bits, by palette
    palette = b"".join(colour.to_bytes(3, "big") for colour in reduced["palette"])
    chunks = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_write_chunk(kind, content) for kind, content in chunks)


def _write_chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
