import type { ISocketFactory } from 'kafkajs'
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'
import { errorCodes } from 'kafkajs/src/protocol/error.js'

let repaired = false

/** Mends two faults of kafkajs 2.2.4, in this process, once. */
export function repairKafkajs(): void {
  if (repaired) return
  repaired = true
  stopNegativeTimeouts()
  nameNewerErrors()
}

/**
 * After every answer kafkajs sets a timer for `throttledUntil - now`, which is about minus 1.7e12: Node 24 warns of it
 * (TimeoutNegativeWarning), and the timer does nothing. It is of use only while requests are waiting.
 */
function stopNegativeTimeouts(): void {
  const original = RequestQueue.prototype.scheduleCheckPendingRequests
  RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
    if (this.pending.length > 0) original.call(this)
  }
}

/** Errors that brokers answer and kafkajs has no name for. */
function nameNewerErrors(): void {
  const newer = [
    { type: 'PRODUCER_FENCED', code: 90, retriable: false, message: 'There is a newer producer with the same transactional id' },
    { type: 'TRANSACTION_ABORTABLE', code: 120, retriable: false, message: 'The transaction must be aborted' },
  ]
  for (const error of newer) if (!errorCodes.some(({ code }) => code === error.code)) errorCodes.push(error)
}

/**
 * kafkajs disconnects a connection that has failed again and again while it looks for brokers, and each time calls `unref`
 * of the same dead socket, which then waits in vain to be connected: Node warns of the pile of listeners.
 */
export function withQuietSockets(factory: ISocketFactory): ISocketFactory {
  return (options) => {
    const socket = factory(options)
    const unref = socket.unref.bind(socket)
    socket.unref = () => (socket.destroyed ? socket : unref())
    return socket
  }
}
