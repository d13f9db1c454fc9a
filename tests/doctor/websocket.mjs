// As much of the browser's WebSocket as the documents' sample needs, for every version of Node: onmessage, onclose, send.

import { randomBytes } from 'node:crypto'
import { request } from 'node:http'

export class WebSocket {
  constructor(url) {
    const headers = {
      Connection: 'Upgrade',
      Upgrade: 'websocket',
      'Sec-WebSocket-Version': '13',
      'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    }
    const handshake = request(url.replace('ws', 'http'), { headers })
    handshake.on('upgrade', (_, socket, head) => {
      this.socket = socket
      this.rest = head
      this.parts = []
      socket.on('data', (chunk) => this.read(chunk))
      socket.on('error', () => {})
      socket.on('close', () => this.onclose?.())
      this.read(Buffer.alloc(0))
    })
    handshake.on('response', () => this.onclose?.())
    handshake.on('error', () => this.onclose?.())
    handshake.end()
  }

  send(text) {
    this.write(1, Buffer.from(text))
  }

  write(opcode, payload) {
    const mask = randomBytes(4)
    const masked = payload.map((byte, at) => byte ^ mask[at % 4])
    this.socket.write(Buffer.concat([Buffer.from([0x80 | opcode, 0x80 | payload.length]), mask, masked]))
  }

  read(chunk) {
    this.rest = Buffer.concat([this.rest, chunk])
    for (let frame; (frame = this.split()) !== null; ) {
      const { opcode, isLast, payload } = frame
      if (opcode === 8) {
        this.write(8, payload)
        this.socket.end()
      } else if (opcode === 9) {
        this.write(10, payload)
      } else if (opcode < 8) {
        this.parts.push(payload)
        if (isLast) {
          const data = Buffer.concat(this.parts.splice(0)).toString()
          setImmediate(() => this.onmessage?.({ data }))
        }
      }
    }
  }

  split() {
    const size = this.rest.length < 2 ? 0 : this.rest[1] & 0x7f
    const head = size === 126 ? 4 : size === 127 ? 10 : 2
    if (this.rest.length < head) return null
    const length = size === 126 ? this.rest.readUInt16BE(2) : size === 127 ? Number(this.rest.readBigUInt64BE(2)) : size
    if (this.rest.length < head + length) return null
    const frame = {
      opcode: this.rest[0] & 0x0f,
      isLast: this.rest[0] >= 0x80,
      payload: this.rest.subarray(head, head + length),
    }
    this.rest = this.rest.subarray(head + length)
    return frame
  }
}
