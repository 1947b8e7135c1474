/**
 * The bank, or the mail server, as a process of its own with a ledger on disk. It knows nothing of Signalbox: the same
 * idempotency key is the same booking, and a new key is a new one, whatever it is about.
 */
import { appendFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LedgerEntry, StubPart, StubRequest } from './stub.ts'

const part = JSON.parse(process.argv[2]!) as StubPart
const booked = new Map<string, LedgerEntry>()
let bookings = 0
let answersToLose = part.losesFirstAnswer ? 1 : 0

function write(entry: LedgerEntry): void {
  appendFileSync(part.ledgerFile, `${JSON.stringify(entry)}\n`, { flush: true })
}

async function read(request: IncomingMessage): Promise<StubRequest> {
  let text = ''
  for await (const chunk of request) text += chunk
  return JSON.parse(text) as StubRequest
}

function answer(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

async function book(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const key = `${request.headers['idempotency-key'] ?? ''}`
  if (key === '') return answer(response, 400, { message: 'give an idempotency-key' })
  const known = part.ignoresKeys ? undefined : booked.get(key)
  if (known !== undefined) return answer(response, 200, known)
  const asked = await read(request)
  const entry: LedgerEntry = { number: ++bookings, key, atMs: Date.now(), ...asked }
  // On disk before anybody is told: what is booked stays booked.
  write(entry)
  booked.set(key, entry)
  if (answersToLose > 0) {
    answersToLose--
    response.destroy()
    return
  }
  answer(response, 201, entry)
}

const server = createServer((request, response) => {
  const key = new URL(request.url!, 'http://stub').searchParams.get('key')
  if (request.method === 'POST')
    book(request, response).catch((error: unknown) => answer(response, 400, { message: (error as Error).message }))
  else answer(response, 200, key === null ? [] : [...booked.values()].filter((entry) => entry.key === key))
})
server.listen(0, '127.0.0.1', () => process.send!({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }))
// Whoever started it is gone, or wants it gone.
process.once('disconnect', () => {
  server.close()
  server.closeAllConnections()
})
