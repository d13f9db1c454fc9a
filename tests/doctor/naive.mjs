// The documents' sample client as it stands there; doctor has to find what is wrong with it.
// Run with the stream's address.

import { WebSocket } from './websocket.mjs'

function processEvent(event) {
  const type = event.metadata.event_type
  const value = type === 'datapointack' ? event.datapointack.value : event[type]?.value
  console.log(JSON.stringify({ seq: event.seq, type, value }))
}

const socket = new WebSocket(process.argv[2])
socket.onmessage = function (msg) {
  if (msg.data.includes('|Z')) {
    socket.send('Z')
  } else {
    const arr = msg.data.split('|')
    const event = JSON.parse(arr[1])
    processEvent(event)
  }
}
