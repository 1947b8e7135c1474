/** JSON bodies, read as strictly as records: one text, one meaning. Compressed ones are bounded by what comes out of them. */
import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate } from 'node:zlib'
import { JsonError, readJson } from '@signalbox/contract'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { checking } from './hooks.ts'
import { RequestRefused } from './problems.ts'

type Decompress = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>

const decompressors: Readonly<Record<string, Decompress>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  br: promisify(brotliDecompress),
}
const accepted = 'gzip, deflate, br'

/** `body`: what one is here, like `the intent`. */
export function readJsonBodies(app: FastifyInstance, body: string, maxBytes: number): void {
  app.addHook(
    'onRequest',
    checking((request) => {
      checkType(request)
      encodingOf(request)
    }),
  )
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async (request: FastifyRequest, bytes: Buffer) => {
    if (bytes.length === 0) throw new RequestRefused('BODY_MALFORMED', `the body is empty; send ${body} as JSON`)
    const encoding = encodingOf(request)
    return parse(encoding === null ? bytes : await decompressed(encoding, bytes, maxBytes))
  })
}

/** A form, or plain text, is what any web page may send without asking: neither is taken for JSON. */
function checkType({ headers, method }: FastifyRequest): void {
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return
  const type = headers['content-type']
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  if (type === undefined && !hasBody) return
  const [, parameters] = /^application\/(?:[a-z0-9!#$&^_.-]+\+)?json[ \t]*(?:;(.*))?$/i.exec(type ?? '') ?? [null, null]
  const charset = /(?:^|;)[ \t]*charset[ \t]*=[ \t]*"?([^";\s]*)/i.exec(parameters ?? '')?.[1] ?? 'utf-8'
  if (parameters !== null && /^utf-?8$/i.test(charset)) return
  throw new RequestRefused(
    'MEDIA_TYPE_UNSUPPORTED',
    `the body must be application/json (or application/…+json) in UTF-8, not ${type === undefined ? 'without a type' : JSON.stringify(type.slice(0, 100))}; set the header content-type: application/json`,
    { headers: { accept: 'application/json' } },
  )
}

/** Null for a body that is not compressed. */
function encodingOf({ headers }: FastifyRequest): string | null {
  const encoding = (headers['content-encoding'] ?? '').trim().toLowerCase()
  if (encoding === '' || encoding === 'identity') return null
  if (Object.hasOwn(decompressors, encoding)) return encoding
  throw new RequestRefused(
    'MEDIA_TYPE_UNSUPPORTED',
    `the body is encoded as ${JSON.stringify(encoding.slice(0, 100))}; send it as it is, or as one of ${accepted}`,
    { headers: { 'accept-encoding': accepted } },
  )
}

async function decompressed(encoding: string, bytes: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await decompressors[encoding]!(bytes, { maxOutputLength: maxBytes })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new RequestRefused(
        'BODY_TOO_LARGE',
        `the body has more than the ${maxBytes} bytes of the limit when it is unpacked; send large content by reference and digest`,
      )
    throw new RequestRefused('BODY_MALFORMED', `the body cannot be unpacked as ${encoding}: ${(error as Error).message}`)
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true })

function parse(bytes: Buffer): unknown {
  let text: string
  try {
    // A byte order mark is no part of the text.
    text = decoder.decode(bytes)
  } catch {
    throw new RequestRefused('BODY_MALFORMED', 'the body is not UTF-8; encode it as UTF-8')
  }
  try {
    return readJson(text).value
  } catch (error) {
    if (error instanceof JsonError) throw new RequestRefused('BODY_MALFORMED', error.message, { path: error.path })
    throw error
  }
}
