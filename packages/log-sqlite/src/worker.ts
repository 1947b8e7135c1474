import { parentPort, workerData } from 'node:worker_threads'
import { TOPICS } from './database.ts'
import { OwnerFile } from './owner-file.ts'
import type { Request, Response, WorkerSettings } from './protocol.ts'
import { errorOf, toMessage } from './sqlite-errors.ts'

const port = parentPort
if (port === null) throw new Error('This module is the worker of the SQLite log: start it as one.')
const settings: WorkerSettings = workerData

function answer(response: Response, transfer: readonly ArrayBuffer[] = []): void {
  port!.postMessage(response, transfer)
}

/** The buffers that hold nothing but one chunk; what shares a buffer is copied instead. */
function transferable(chunks: readonly Uint8Array[]): ArrayBuffer[] {
  return chunks.flatMap(({ buffer, byteLength }) => (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : []))
}

function serve(file: OwnerFile): void {
  port!.on('message', (request: Request) => {
    switch (request.kind) {
      case 'write': {
        const storages = request.chunks.map(({ storage }) => storage)
        try {
          file.write(request.chunks)
          answer({ kind: 'written', storages }, storages)
        } catch (error) {
          answer({ kind: 'failed', error: toMessage(errorOf(error, settings.directory, 'writing')) })
        }
        return
      }
      case 'read': {
        const { id, topic, partition, fromOffset, maxBytes } = request
        try {
          const chunks = file.logFile.read(TOPICS[topic]!, partition, fromOffset, maxBytes).map(({ bytes }) => bytes)
          answer({ kind: 'chunks', id, chunks }, transferable(chunks))
        } catch (error) {
          answer({ kind: 'unreadable', id, error: toMessage(errorOf(error, settings.directory, 'reading')) })
        }
        return
      }
      case 'find': {
        const { before, id, key, partition } = request
        try {
          answer({ kind: 'found', id, ...file.lastWith(partition, key, before) })
        } catch (error) {
          answer({ kind: 'unreadable', id, error: toMessage(errorOf(error, settings.directory, 'reading')) })
        }
        return
      }
      case 'prove':
        try {
          file.logFile.proveIndex(request.partition)
          answer({ kind: 'proved', id: request.id })
        } catch (error) {
          answer({ kind: 'unreadable', id: request.id, error: toMessage(errorOf(error, settings.directory, 'reading')) })
        }
        return
      case 'close':
        file.close()
        answer({ kind: 'closed' })
        port!.close()
    }
  })
}

try {
  const file = new OwnerFile(settings)
  const { id, partitionCount } = file.logFile
  const ends = TOPICS.map((topic) => Array.from({ length: partitionCount }, (_, partition) => file.logFile.end(topic, partition)))
  serve(file)
  answer({ kind: 'opened', id, partitionCount, owners: file.owners, ends })
} catch (error) {
  answer({ kind: 'refused', error: toMessage(errorOf(error, settings.directory, 'opening it')) })
}
