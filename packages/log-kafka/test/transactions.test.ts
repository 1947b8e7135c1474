import assert from 'node:assert/strict'
import { isLogError, type Log } from '@signalbox/log'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { openKafkaLog } from '../src/index.ts'
import { laneOf, PARTITIONS_PER_LANE, partitionsOf } from '../src/lanes.ts'
import { topicName, transactionalId } from '../src/settings.ts'
import { retryDelayMs } from '../src/wait.ts'
import { API, FaultySockets } from './support/faulty-sockets.ts'
import { batch, openWriter, PATIENCE_MS, readAll, record, textsOf } from './support/records.ts'
import { brokersForTests, dropTopics, makeTopics, plainKafka, uniquePrefix } from './support/topics.ts'

const topicPrefix = uniquePrefix()
const eventsTopic = topicName(topicPrefix, 'events')
const timeout = PATIENCE_MS * 3
let log: Log
let nextPartition = 0
const PARTITIONS = 16

beforeAll(async () => {
  await makeTopics(topicPrefix, PARTITIONS)
  log = await openKafkaLog({ brokers: brokersForTests(), topicPrefix })
}, timeout)

afterAll(async () => {
  await log.close()
  await dropTopics(topicPrefix)
}, timeout)

function freshPartition(): number {
  // The last lane has tests of its own.
  if (nextPartition === PARTITIONS - PARTITIONS_PER_LANE) throw new Error('raise PARTITIONS')
  return nextPartition++
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  const [outcome] = await Promise.allSettled([promise])
  if (outcome.status === 'fulfilled') return 'fulfilled'
  assert.ok(isLogError(outcome.reason), String(outcome.reason))
  return outcome.reason.code
}

describe('transactions back to back', { timeout }, () => {
  it('are retried within milliseconds while the markers of the one before are written: kafkajs would wait 300 ms', async () => {
    for (let attempt = 1; attempt <= 10; attempt++)
      assert.ok(retryDelayMs(attempt) <= 10, `retry ${attempt} waits ${retryDelayMs(attempt)} ms`)
    assert.ok(retryDelayMs(100) <= 1_000, 'and no more than a second, however long it takes')
    const sockets = new FaultySockets()
    const other = await openKafkaLog({ brokers: brokersForTests(), topicPrefix, socketFactory: sockets.factory })
    const partition = freshPartition()
    const writer = await openWriter(other, partition)
    for (let index = 0; index < 20; index++) await writer.append(batch(`${index}`))
    assert.equal(sockets.sent.filter((apiKey) => apiKey === API.endTxn).length, 20, 'one transaction for each append that waited')
    await other.close()
    assert.equal((await readAll(log, 'events', partition)).length, 20)
  })

  it('are readable by everybody once acknowledged: Kafka answers a commit before its markers are written', async () => {
    const partition = freshPartition()
    const writer = await openWriter(log, partition)
    for (let index = 0; index < 100; index++) {
      const { lastOffset } = await writer.append(batch(`${index}`))
      const { end } = await log.offsets('events', partition)
      assert.ok(end > lastOffset, `append ${index}: the log ends at ${end}, and ${lastOffset} was acknowledged`)
    }
    await writer.close()
  })

  it('take along what was appended meanwhile: 200 overlapping batches need a few transactions', async () => {
    const sockets = new FaultySockets()
    const other = await openKafkaLog({ brokers: brokersForTests(), topicPrefix, socketFactory: sockets.factory })
    const partition = freshPartition()
    const writer = await openWriter(other, partition)
    await Promise.all(Array.from({ length: 200 }, (_, index) => writer.append(batch(`${index}`))))
    const transactions = sockets.sent.filter((apiKey) => apiKey === API.endTxn).length
    assert.ok(transactions < 20, `${transactions} transactions`)
    await other.close()
  })

  it('take the largest record that the intents may hold as a dead letter, with its envelope', async () => {
    const partition = freshPartition()
    const value = new Uint8Array(2 * 1024 * 1024 - 300).fill(120)
    await log.append(partition, { key: 'scope', value, headers: {} })
    const writer = await openWriter(log, partition)
    const letter = { key: 'scope', value, headers: { sb_cause: 'c'.repeat(2_000) } }
    await writer.append({ events: [record('its reject')], deadLetters: [letter] })
    assert.deepEqual(
      (await readAll(log, 'dead-letters', partition)).map((each) => each.value!.length),
      [value.length],
    )
    await writer.close()
  })

  it('take 6,000 events and 1,500 dead letters in one batch, at offsets without a gap', async () => {
    const partition = freshPartition()
    const writer = await openWriter(log, partition)
    const texts = Array.from({ length: 6_000 }, (_, index) => `event ${index}`)
    const deadTexts = Array.from({ length: 1_500 }, (_, index) => `dead letter ${index}`)
    const { firstOffset, lastOffset } = await writer.append({ events: texts.map(record), deadLetters: deadTexts.map(record) })
    assert.equal(lastOffset - firstOffset, texts.length - 1)
    assert.deepEqual(textsOf(await readAll(log, 'events', partition)), texts)
    assert.deepEqual(textsOf(await readAll(log, 'dead-letters', partition)), deadTexts)
    await writer.close()
  })
})

describe('the partitions of a lane', { timeout }, () => {
  const lane = laneOf(PARTITIONS - 1)
  const partitions = partitionsOf([lane], PARTITIONS)

  it('share their transactions, and each answers with its own offsets', async () => {
    const sockets = new FaultySockets()
    const other = await openKafkaLog({ brokers: brokersForTests(), topicPrefix, socketFactory: sockets.factory })
    const writers = await Promise.all(partitions.map((partition) => openWriter(other, partition)))
    assert.equal(sockets.sent.filter((apiKey) => apiKey === API.initProducerId).length, 1, 'opened as one')
    for (let round = 0; round < 10; round++) {
      const appended = await Promise.all(writers.map((writer, index) => writer.append(batch(`${round} ${partitions[index]}`))))
      const ends = await Promise.all(partitions.map((partition) => log.offsets('events', partition)))
      for (const [index, { end }] of ends.entries()) assert.ok(end > appended[index]!.lastOffset, 'readable once acknowledged')
    }
    const transactions = sockets.sent.filter((apiKey) => apiKey === API.endTxn).length
    assert.ok(transactions <= 10, `${transactions} transactions`)
    for (const partition of partitions) {
      const texts = Array.from({ length: 10 }, (_, round) => `${round} ${partition}`)
      assert.deepEqual(textsOf(await readAll(log, 'events', partition)), texts)
    }
    await other.close()
  })

  it('are fenced together by a newer owner of one of them', async () => {
    const [first, second] = partitions
    const [here, there] = [await openWriter(log, first!), await openWriter(log, second!)]
    await there.append(batch('before the newer owner'))
    const other = await openKafkaLog({ brokers: brokersForTests(), topicPrefix })
    const newer = await openWriter(other, first!, 2)
    assert.deepEqual([await codeOf(here.append(batch('late'))), await codeOf(there.append(batch('late')))], ['FENCED', 'FENCED'])
    await newer.append(batch('by the newer owner'))
    await other.close()
    await Promise.all([here.close(), there.close()])
    assert.equal(textsOf(await readAll(log, 'events', first!)).at(-1), 'by the newer owner')
    assert.equal(textsOf(await readAll(log, 'events', second!)).at(-1), 'before the newer owner')
  })

  it('go on when one of them is let go, and are opened anew when a write has failed', async () => {
    const sockets = new FaultySockets()
    const other = await openKafkaLog({ brokers: brokersForTests(), topicPrefix, socketFactory: sockets.factory })
    const [first, second] = partitions
    const [one, two] = [await openWriter(other, first!, 3), await openWriter(other, second!, 3)]
    await one.close()
    await two.append(batch('after the other was let go'))
    sockets.break(API.endTxn, 'lost-request')
    assert.equal(await codeOf(two.append(batch('lost'))), 'OUTCOME_UNKNOWN')
    await two.close()
    const again = await Promise.all([openWriter(other, first!, 3), openWriter(other, second!, 3)])
    await Promise.all(again.map((writer) => writer.append(batch('anew'))))
    assert.deepEqual(textsOf(await readAll(log, 'events', second!)).slice(-2), ['after the other was let go', 'anew'])
    await other.close()
  })
})

describe('a writer whose connection breaks', { timeout }, () => {
  for (const { fault, visible } of [
    { fault: 'lost-answer', visible: ['before', 'in doubt'] },
    { fault: 'lost-request', visible: ['before'] },
  ] as const) {
    it(`says OUTCOME_UNKNOWN when the commit meets a ${fault}, and the next owner finds out`, async () => {
      const sockets = new FaultySockets()
      const other = await openKafkaLog({ brokers: brokersForTests(), topicPrefix, socketFactory: sockets.factory })
      const partition = freshPartition()
      const writer = await openWriter(other, partition)
      await writer.append(batch('before'))
      sockets.break(API.endTxn, fault)
      assert.equal(await codeOf(writer.append(batch('in doubt'))), 'OUTCOME_UNKNOWN')
      assert.equal(await codeOf(writer.append(batch('never'))), 'TRANSIENT')
      const commits = sockets.sent.filter((apiKey) => apiKey === API.endTxn).length
      assert.equal(commits, 2, 'a commit is sent once: it is not repaired')
      await writer.close()
      const owner = await openWriter(other, partition, 2)
      await owner.append(batch('after'))
      assert.deepEqual(textsOf(await readAll(log, 'events', partition)), [...visible, 'after'])
      await other.close()
    })
  }

  it('says TRANSIENT when an append breaks before the commit, and nothing of it is ever visible', async () => {
    const sockets = new FaultySockets()
    const other = await openKafkaLog({ brokers: brokersForTests(), topicPrefix, socketFactory: sockets.factory })
    const partition = freshPartition()
    const writer = await openWriter(other, partition)
    sockets.break(API.produce, 'lost-answer')
    assert.equal(await codeOf(writer.append(batch('never'))), 'TRANSIENT')
    await writer.close()
    const owner = await openWriter(other, partition, 2)
    await owner.append(batch('after'))
    assert.deepEqual(textsOf(await readAll(log, 'events', partition)), ['after'])
    await other.close()
  })

  it('says OUTCOME_UNKNOWN of an intent whose acknowledgement is lost, and takes it again', async () => {
    const sockets = new FaultySockets()
    const other = await openKafkaLog({ brokers: brokersForTests(), topicPrefix, socketFactory: sockets.factory })
    const partition = freshPartition()
    sockets.break(API.produce, 'lost-answer')
    assert.equal(await codeOf(other.append(partition, record('twice'))), 'OUTCOME_UNKNOWN')
    await other.append(partition, record('twice'))
    assert.deepEqual(textsOf(await readAll(log, 'intents', partition)), ['twice', 'twice'])
    await other.close()
  })
})

describe('transactions of others', { timeout }, () => {
  it('are decided when a partition is opened: an open one is aborted, its owner fenced, its records never visible', async () => {
    const partition = freshPartition()
    const zombie = plainKafka().producer({
      transactionalId: transactionalId(topicPrefix, laneOf(partition)),
      maxInFlightRequests: 1,
      idempotent: true,
    })
    await zombie.connect()
    const transaction = await zombie.transaction()
    await transaction.send({ topic: eventsTopic, messages: [{ partition, key: 'scope', value: 'by the zombie' }] })
    const writer = await openWriter(log, partition)
    await writer.append(batch('by the owner'))
    await assert.rejects(transaction.commit())
    assert.deepEqual(textsOf(await readAll(log, 'events', partition)), ['by the owner'])
    await writer.close()
    await zombie.disconnect()
  })

  it('leave nothing that was aborted, interleaved and with keys that look like markers', async () => {
    const partition = freshPartition()
    // Four zero bytes: what kafkajs's own filter takes for the end of an aborted transaction.
    const key = Buffer.alloc(4)
    const producers = ['a', 'b', 'c'].map((name) =>
      plainKafka().producer({ transactionalId: `${topicPrefix}.${name}`, maxInFlightRequests: 1, idempotent: true }),
    )
    await Promise.all(producers.map((producer) => producer.connect()))
    const committed: string[] = []
    for (let round = 0; round < 4; round++) {
      const transactions = await Promise.all(producers.map((producer) => producer.transaction()))
      for (const part of [0, 1, 2]) {
        for (const [index, transaction] of transactions.entries()) {
          const aborts = (round + index) % 3 !== 0
          const value = `${round} ${index} ${part}${aborts ? ' aborted' : ''}`
          await transaction.send({ topic: eventsTopic, messages: [0, 1].map((copy) => ({ partition, key, value: `${value} ${copy}` })) })
          if (!aborts) committed.push(`${value} 0`, `${value} 1`)
        }
      }
      for (const [index, transaction] of transactions.entries()) {
        if ((round + index) % 3 === 0) await transaction.commit()
        else await transaction.abort()
      }
    }
    // A commit of theirs is answered before it is readable; ours is not, and lies behind theirs.
    const writer = await openWriter(log, partition)
    await writer.append(batch('last'))
    assert.deepEqual(textsOf(await readAll(log, 'events', partition)), [...committed, 'last'])
    await writer.close()
    await Promise.all(producers.map((producer) => producer.disconnect()))
  })
})
