/** Backups and restores of an embedded log that are killed, or meet damage: the one before, or the new one, and nothing half. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSqliteLog, openSqliteLogReader } from '@signalbox/log-sqlite'
import { afterAll, describe, expect, it } from 'vitest'
import { root } from '../support/root.ts'
import { runHere } from './run-here.ts'

const directory = mkdtempSync(join(tmpdir(), 'signalbox-backups-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const place = (name: string) => join(directory, name)
const main = join(root, 'packages/cli/src/main.ts')
const [few, many] = [100, 300]

/** One command in this process, and what it said. */
const command = (...parameters: readonly string[]) => runHere([...parameters, '--log', 'sqlite'])

/** Runs it as a process that is killed before its nth call of the file system on the folder. Gives whether it came so far. */
async function killedAt(moment: number, folder: string, parameters: readonly string[]): Promise<boolean> {
  const deadly = ['--import', join(root, 'packages/log-sqlite/test/dies-at.ts')]
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...deadly, main, ...parameters, '--log', 'sqlite'], {
    stdio: 'ignore',
    env: { ...process.env, KAFKA_BROKERS: undefined, DIES_AT: `${moment}`, DIES_IN: folder },
  })
  const [code] = await once(child, 'exit')
  return code === null
}

const intent = (text: string) => ({ key: 'scope', value: Buffer.from(text.padEnd(400, '.')), headers: {} })

async function append(name: string, count: number): Promise<void> {
  const log = await openSqliteLog({ directory: place(name) })
  await Promise.all(Array.from({ length: count }, (_, each) => log.append(0, intent(`intent ${each}`))))
  await log.appendAside('notifications', 0, intent('told'))
  await log.appendAside('dead-letters.projector', 0, intent('not folded'))
  await log.close()
}

async function intentsIn(name: string): Promise<number> {
  const reader = await openSqliteLogReader({ directory: place(name) })
  const { end } = await reader.offsets('intents', 0)
  await reader.close()
  return end
}

/** What is in it, by a restore into a place of its own; or what the restore said. */
async function restored(backup: string): Promise<number | string> {
  const to = `restored-${Math.random()}`
  const { code, said } = await command('restore', place(backup), '--data-dir', place(to))
  if (code !== 0) {
    expect(existsSync(place(to)), said).toBe(false)
    expect(said).not.toMatch(/a bug|\n\s+at /)
    return said
  }
  expect(readdirSync(place(to)).filter((each) => each !== 'settings.json')).toEqual(['log.db'])
  const found = await intentsIn(to)
  rmSync(place(to), { recursive: true })
  return found
}

async function prepared(): Promise<void> {
  await append('few', few)
  expect(await command('backup', place('first'), '--data-dir', place('few'))).toMatchObject({ code: 0 })
  cpSync(place('few'), place('many'), { recursive: true })
  await append('many', many - few)
}

describe('a backup', { timeout: 240_000 }, () => {
  it('that is killed at any moment leaves the one before or the new one, whole; the next cleans up', async () => {
    await prepared()
    const found = new Map<number, number>()
    for (let moment = 1, isOver = false; !isOver && moment <= 40; moment += moment < 8 ? 1 : 3) {
      cpSync(place('first'), place('taken'), { recursive: true })
      isOver = !(await killedAt(moment, place('taken'), ['backup', place('taken'), '--data-dir', place('many')]))
      const there = await restored('taken')
      expect([few, many], `${there}`).toContain(there)
      found.set(there as number, (found.get(there as number) ?? 0) + 1)
      expect(await command('backup', place('taken'), '--data-dir', place('many'))).toMatchObject({ code: 0 })
      expect(await restored('taken')).toBe(many)
      expect(readdirSync(place('taken')).map((each) => each.replace(/[0-9-]+/, ''))).toEqual(['backup.json', 'copy'])
      rmSync(place('taken'), { recursive: true })
    }
    expect(found.get(few)).toBeGreaterThan(1)
    expect(found.get(many)).toBeGreaterThan(0)
  })

  it('that was killed as the first one of a directory is no reason to refuse the directory', async () => {
    for (const moment of [1, 2, 4, 7]) {
      mkdirSync(place('empty'))
      await killedAt(moment, place('empty'), ['backup', place('empty'), '--data-dir', place('many')])
      expect(await command('backup', place('empty'), '--data-dir', place('many'))).toMatchObject({ code: 0 })
      expect(await restored('empty')).toBe(many)
      rmSync(place('empty'), { recursive: true })
    }
  })

  it.each(['log.db.part', 'log.db.part-journal', 'backup.json.part', 'copy-1-999999999'])('cleans up %s', async (name) => {
    mkdirSync(place('left'))
    writeFileSync(join(place('left'), name), 'half')
    expect(await command('backup', place('left'), '--data-dir', place('many'))).toMatchObject({ code: 0 })
    expect(readdirSync(place('left'))).toHaveLength(2)
    rmSync(place('left'), { recursive: true })
  })

  it.each([
    ['an intent', 'intent 17.'],
    ['a receipt', 'told'],
    ['a dead letter', 'not folded'],
  ])('of a log with damage in %s takes the place of none', async (_, text) => {
    cpSync(place('many'), place('damaged'), { recursive: true })
    const file = join(place('damaged'), 'log.db')
    const bytes = readFileSync(file)
    bytes[bytes.indexOf(text)]! ^= 1
    writeFileSync(file, bytes)
    cpSync(place('first'), place('kept'), { recursive: true })
    const before = readdirSync(place('kept'))
    const { code, said } = await command('backup', place('kept'), '--data-dir', place('damaged'))
    expect({ code, said }).toMatchObject({ code: 4, said: expect.stringMatching(/is damaged: in .* the checksum/) })
    expect(readdirSync(place('kept'))).toEqual(before)
    expect(await restored('kept')).toBe(few)
    expect((await command('backup', place('never/made'), '--data-dir', place('damaged'))).code).toBe(4)
    expect(existsSync(place('never'))).toBe(false)
    for (const each of ['damaged', 'kept']) rmSync(place(each), { recursive: true })
  })

  it('in which a bit flips is restored as it was, or not at all', async () => {
    const files = ['backup.json', join(readdirSync(place('first')).find((each) => each.startsWith('copy'))!, 'log.db')]
    for (const file of files) {
      const size = readFileSync(join(place('first'), file)).byteLength
      for (let position = 3; position < size; position += Math.max(1, Math.floor(size / 40))) {
        cpSync(place('first'), place('flipped'), { recursive: true })
        const bytes = readFileSync(join(place('flipped'), file))
        bytes[position]! ^= 1 << (position % 7)
        writeFileSync(join(place('flipped'), file), bytes)
        const there = await restored('flipped')
        if (typeof there === 'number') expect(there, `${file} ${position}`).toBe(few)
        rmSync(place('flipped'), { recursive: true })
      }
    }
  })
})

describe('a restore', { timeout: 240_000 }, () => {
  it('that is killed at any moment has restored all or nothing, is not taken for an empty log, and can be done again', async () => {
    let unfinished = 0
    for (let moment = 1, isOver = false; !isOver && moment <= 40; moment += moment < 6 ? 1 : 3) {
      mkdirSync(place('target'))
      isOver = !(await killedAt(moment, place('target'), ['restore', place('first'), '--data-dir', place('target')]))
      if (existsSync(join(place('target'), 'log.db'))) expect(await intentsIn('target')).toBe(few)
      else {
        if (existsSync(join(place('target'), 'restoring'))) {
          unfinished++
          const config = join(root, 'test/end-to-end/shop.config.ts')
          expect(await command('up', '--port', '0', '--config', config, '--data-dir', place('target'))).toMatchObject({
            code: 2,
            said: expect.stringContaining('a restore into'),
          })
        }
        const again = await command('restore', place('first'), '--data-dir', place('target'))
        expect(again, again.said).toMatchObject({ code: 0 })
        expect(await intentsIn('target')).toBe(few)
      }
      rmSync(place('target'), { recursive: true })
    }
    expect(unfinished).toBeGreaterThan(0)
  })

  it('that fails leaves the target as it was', async () => {
    cpSync(place('first'), place('bad'), { recursive: true })
    const copy = readdirSync(place('bad')).find((each) => each.startsWith('copy'))!
    writeFileSync(join(place('bad'), copy, 'log.db'), 'nothing')
    mkdirSync(place('there'))
    expect((await command('restore', place('bad'), '--data-dir', place('there'))).code).toBe(4)
    expect(readdirSync(place('there'))).toEqual([])
    expect((await command('restore', place('bad'), '--data-dir', place('deep/er/still'))).code).toBe(4)
    expect(existsSync(place('deep'))).toBe(false)
  })

  it('is what a backup is for: nobody writes to the backup itself, and who reads it may', async () => {
    const config = join(root, 'test/end-to-end/shop.config.ts')
    const { code, said } = await command('up', '--port', '0', '--config', config, '--data-dir', place('first'))
    expect({ code, said }).toMatchObject({ code: 2, said: expect.stringContaining('is a backup') })
    expect((await command('audit', '--data-dir', place('first'))).code).toBe(0)
  })
})
