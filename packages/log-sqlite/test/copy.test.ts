import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { copySqliteLog, openSqliteLog, openSqliteLogReader, placeSqliteCopy } from '@signalbox/log-sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { events, failureOf, openWriter, readAll, record, temporaryDirectory, textOf } from './support.ts'

/** A process that writes for as long as the test runs; gives what it has said to be acknowledged so far. */
async function writer(directory: string, first: number): Promise<{ readonly acknowledged: string[]; stop(): Promise<void> }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'append-forever.ts'), directory], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const acknowledged: string[] = []
  const lines = createInterface({ input: child.stdout! })
  lines.on('line', (line) => acknowledged.push(line))
  while (acknowledged.length < first) await once(lines, 'line')
  return {
    acknowledged,
    async stop() {
      const closed = once(child, 'close')
      child.kill('SIGKILL')
      await closed
    },
  }
}

describe('a copy of a log', { timeout: 60_000 }, () => {
  it('of one that is being written to has all that was acknowledged before it began, and nothing half', async () => {
    const [directory, copy, again] = [await temporaryDirectory(), await temporaryDirectory(), await temporaryDirectory()]
    const { acknowledged, stop } = await writer(directory, 3_000)
    const before = [...acknowledged]
    const steps: number[] = []
    const copied = await copySqliteLog({ from: directory, to: copy, progress: ({ bytes }) => steps.push(bytes) })
    // It has been written to all the while, and still is.
    while (acknowledged.length === before.length) await new Promise((resolve) => setTimeout(resolve, 5))
    await stop()
    expect(steps.length).toBeGreaterThan(0)
    for (const place of [copy, again]) {
      if (place === again) await placeSqliteCopy({ from: copy, to: again, sha256: copied.sha256 })
      const reader = await openSqliteLogReader({ directory: place })
      const [kept, intents] = [await readAll(reader, 'events'), await readAll(reader, 'intents')]
      await reader.close()
      expect(kept.length + intents.length).toBe(copied.records)
      expect([copied.ends.events![0], copied.ends.intents![0]]).toEqual([kept.length, intents.length])
      const about = new Set(kept.map(({ key }) => key!.split(' ')[0]))
      expect(before.filter((name) => !about.has(name))).toEqual([])
      expect(acknowledged.length).toBeGreaterThan(before.length)
      const whole = [...Map.groupBy(kept, ({ key }) => key!.split(' ')[0])].map(([, parts]) => [
        parts.length,
        Number(parts[0]!.key!.split(' ')[2]),
      ])
      expect(whole.filter(([there, size]) => there !== size)).toEqual([])
      for (const { headers, key } of kept) expect(intents[Number(headers.about)]?.key).toBe(key!.split(' ')[0])
    }
    // It is a log like any other.
    const log = await openSqliteLog({ directory: again })
    const { offset } = await log.append(0, record('later'))
    expect(offset).toBe(copied.ends.intents![0])
    await log.close()
  })

  it('is counted by what is in it, so that a cut is noticed', async () => {
    const [directory, copy] = [await temporaryDirectory(), await temporaryDirectory()]
    const log = await openSqliteLog({ directory })
    const owner = await openWriter(log)
    await owner.append(events('one', 'two'))
    await copySqliteLog({ from: directory, to: copy })
    await owner.append(events('three'))
    await log.close()
    const older = await readFile(join(copy, 'log.db'))
    await copySqliteLog({ from: directory, to: copy })
    const reader = await openSqliteLogReader({ directory: copy })
    expect((await readAll(reader, 'events')).map(textOf)).toEqual(['one', 'two', 'three'])
    await reader.close()
    await writeFile(join(copy, 'log.db'), older)
    expect((await failureOf(openSqliteLogReader({ directory: copy }))).message).toMatch(/3 records were acknowledged and only 2 are left/)
  })

  it('is put in place as another log, with an id of its own', async () => {
    const [directory, copy, ...places] = [
      await temporaryDirectory(),
      await temporaryDirectory(),
      await temporaryDirectory(),
      await temporaryDirectory(),
    ]
    const log = await openSqliteLog({ directory })
    await (await openWriter(log)).append(events('one'))
    const { sha256 } = await copySqliteLog({ from: directory, to: copy })
    const ids = [log.id]
    for (const place of places) {
      await placeSqliteCopy({ from: copy, to: place, sha256 })
      const reader = await openSqliteLogReader({ directory: place })
      ids.push(reader.id)
      await reader.close()
    }
    await log.close()
    expect(new Set(ids).size).toBe(3)
  })

  it('that was changed is not put in place', async () => {
    const [directory, copy, place] = [await temporaryDirectory(), await temporaryDirectory(), await temporaryDirectory()]
    const log = await openSqliteLog({ directory })
    await (await openWriter(log)).append(events('one', 'two'))
    await log.close()
    const { sha256 } = await copySqliteLog({ from: directory, to: copy })
    const bytes = await readFile(join(copy, 'log.db'))
    bytes[bytes.length - 20]! ^= 1
    await writeFile(join(copy, 'log.db'), bytes)
    const failure = await failureOf(placeSqliteCopy({ from: copy, to: place, sha256 }))
    expect(failure).toMatchObject({ code: 'CORRUPT', message: expect.stringContaining('digest') })
    expect((await failureOf(openSqliteLogReader({ directory: place }))).code).toBe('MISCONFIGURED')
  })

  it('of a log that is not there, or is damaged, is refused', async () => {
    const [directory, copy] = [await temporaryDirectory(), await temporaryDirectory()]
    expect((await failureOf(copySqliteLog({ from: directory, to: copy }))).code).toBe('MISCONFIGURED')
    const log = await openSqliteLog({ directory })
    await (await openWriter(log)).append(events(...Array.from({ length: 200 }, (_, each) => `event ${each} ${'.'.repeat(200)}`)))
    await log.close()
    const bytes = await readFile(join(directory, 'log.db'))
    bytes.fill(7, 4_096, 8_192)
    await writeFile(join(directory, 'log.db'), bytes)
    expect((await failureOf(copySqliteLog({ from: directory, to: copy }))).code).toBe('CORRUPT')
  })
})
