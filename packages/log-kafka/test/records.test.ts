import assert from 'node:assert/strict'
import fc from 'fast-check'
import defaultSocketFactory from 'kafkajs/src/network/socketFactory.js'
import { describe, it } from 'vitest'
import { freePorts } from '../../../infra/kafka/ports.ts'
import { codeOf, toLogError } from '../src/errors.ts'
import { withQuietSockets } from '../src/kafkajs-repairs.ts'
import { chunksOf, storedBytes } from '../src/records.ts'
import { sequenceAfter } from '../src/transactional-producer.ts'

describe('chunksOf', () => {
  it('keeps every record, in order, in runs of at most 1,000 records and 1 MiB unless one alone is larger', () => {
    const sizes = fc.array(fc.oneof(fc.nat(200), fc.nat(2_000_000)), { maxLength: 3_000, size: 'max' })
    fc.assert(
      fc.property(sizes, (lengths) => {
        const shared = new Uint8Array(2_000_001)
        const records = lengths.map((length) => ({ key: 'k', value: shared.subarray(0, length), headers: { ce_id: '1' } }))
        const chunks = chunksOf(records)
        assert.deepEqual(
          chunks.flat().map(({ value }) => value.length),
          lengths,
        )
        for (const chunk of chunks) {
          const bytes = chunk.reduce((sum, record) => sum + storedBytes(record), 0)
          assert.ok(chunk.length > 0 && chunk.length <= 1_000)
          assert.ok(chunk.length === 1 || bytes <= 1024 * 1024)
        }
      }),
      { numRuns: 30 },
    )
  })
})

describe('sequenceAfter', () => {
  it('wraps to 0 behind the largest 31-bit number', () => {
    assert.equal(sequenceAfter(5, 10), 15)
    assert.equal(sequenceAfter(2_147_483_646, 1), 2_147_483_647)
    assert.equal(sequenceAfter(2_147_483_647, 1), 0)
    assert.equal(sequenceAfter(2_147_483_640, 10), 2)
  })
})

describe('withQuietSockets', () => {
  it('gathers no listeners on a socket that failed, however often it is let go', async () => {
    const [port] = await freePorts(1)
    const socket = withQuietSockets(defaultSocketFactory())({ host: '127.0.0.1', port: port!, ssl: undefined!, onConnect: () => {} })
    await new Promise((resolve) => socket.once('error', resolve))
    const before = socket.listenerCount('connect')
    for (let time = 0; time < 20; time++) socket.unref()
    assert.equal(socket.listenerCount('connect'), before)
  })
})

describe('errors', () => {
  const protocolError = (type: string) => Object.assign(new Error('as the broker says it.'), { name: 'KafkaJSProtocolError', type })

  it('take their code from the innermost error, and say what to do next', () => {
    assert.equal(codeOf(protocolError('INVALID_PRODUCER_EPOCH')), 'FENCED')
    assert.equal(codeOf(protocolError('PRODUCER_FENCED')), 'FENCED')
    assert.equal(codeOf(new Error('retries exceeded', { cause: protocolError('MESSAGE_TOO_LARGE') })), 'TOO_LARGE')
    assert.equal(codeOf(new Error('connect ECONNREFUSED')), 'TRANSIENT')
    const cause = protocolError('OFFSET_OUT_OF_RANGE')
    const error = toLogError(cause, 'Reading failed')
    assert.equal(error.code, 'OFFSET_OUT_OF_RANGE')
    assert.equal(error.cause, cause)
    assert.match(error.message, /^Reading failed: OFFSET_OUT_OF_RANGE: as the broker says it\. .+/)
  })
})
