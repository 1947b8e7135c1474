/** Backups of an embedded log that is in use, and what is restored of them. */
import { appendFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { connect } from '@signalbox/client'
import type { Decision } from '@signalbox/contract'
import { openSqliteLog } from '@signalbox/log-sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Commands, openCommands } from '../support/commands.ts'
import { root } from '../support/root.ts'

const config = join(root, 'test/end-to-end/shop.config.ts')
let commands: Commands

beforeAll(async () => {
  commands = await openCommands(config)
}, 60_000)

afterAll(async () => await commands.close())

const place = (name: string) => join(commands.directory, name)
/** The folder in a backup that its copy lies in. */
const copyOf = (name: string) => join(place(name), readdirSync(place(name)).find((each) => each.startsWith('copy-'))!)
const intents = async (dataDirectory: string, id: string) =>
  await commands.run(['intent', 'show', id, '--data-dir', dataDirectory, '--json'])

describe('signalbox backup and restore', { timeout: 120_000 }, () => {
  const acknowledged: Decision[] = []
  let before: readonly Decision[] = []

  it('copy a log that is being written to, as of one moment', async () => {
    const agent = connect({ url: commands.url, agent: 'clerk' })
    let isOver = false
    const writing = Array.from({ length: 8 }, async (_, writer) => {
      for (let number = 0; !isOver; number++) {
        const action = { resource: `order/${writer}-${number}`, action: 'open', input: { cents: 100 } }
        acknowledged.push(await agent.propose({ scope: `shop-${writer}`, resources: [] }, [action]))
      }
    })
    while (acknowledged.length < 500) await new Promise((resolve) => setTimeout(resolve, 10))
    before = [...acknowledged]
    const taken = await commands.run(['backup', 'copy', '--data-dir', 'data', '--json'])
    expect(taken, taken.stderr).toMatchObject({ code: 0 })
    expect(acknowledged.length).toBeGreaterThan(before.length)
    isOver = true
    await Promise.all(writing)
    await agent.close()
    expect(JSON.parse(taken.stdout)).toMatchObject({ log: 'sqlite', partitionCount: 1 })
    expect(readdirSync(place('copy')).sort()).toEqual(['backup.json', expect.stringMatching(/^copy-/)])
    expect(readdirSync(copyOf('copy')).sort()).toEqual(['acknowledged', 'log.db', 'settings.json'])
  })

  it('restore it audited, with all that was acknowledged before', async () => {
    const restored = await commands.run(['restore', 'copy', '--data-dir', 'new', '--json'])
    expect(restored, restored.stderr).toMatchObject({ code: 0 })
    const { audit, restored: isRestored } = JSON.parse(restored.stdout)
    expect({ isRestored, clean: audit.clean, again: audit.not_decided_again }).toEqual({ isRestored: true, clean: true, again: 0 })
    expect(audit.decided_again).toBeGreaterThanOrEqual(before.length)
    const listed = await commands.run(['intent', 'list', '--limit', '1000000', '--data-dir', 'new', '--json'])
    const there = new Set((JSON.parse(listed.stdout) as Decision[]).map(({ event }) => event))
    expect(before.filter(({ event }) => !there.has(event))).toEqual([])
    expect(readdirSync(place('new')).sort()).toEqual(['log.db', 'settings.json'])
  })

  it('goes on deciding what was restored: an old id is a duplicate, the next offset follows', async () => {
    const again = await openCommandsAt()
    try {
      const agent = connect({ url: again.url, agent: 'clerk' })
      const { intentId, scope, changes } = before[0]!
      const resource = changes[0]!.resource
      const intent = agent.intent({ scope, resources: [] }, [{ resource, action: 'open', input: { cents: 100 } }], { intentId: intentId! })
      expect(await agent.submit(intent)).toMatchObject({ committed: true, duplicate: true, event: before[0]!.event })
      const fresh = await agent.propose({ scope, resources: [] }, [{ resource: 'order/fresh', action: 'open', input: { cents: 1 } }])
      expect(fresh.committed).toBe(true)
      await agent.close()
    } finally {
      await again.stopUp()
    }
    expect(await commands.run(['audit', '--data-dir', 'again/data'])).toMatchObject({ code: 0 })
  })

  /** `up` on what was restored. */
  async function openCommandsAt(): Promise<Commands> {
    const restored = await commands.run(['restore', 'copy', '--data-dir', 'again/data'])
    expect(restored, restored.stderr).toMatchObject({ code: 0 })
    return await openCommands(config, place('again'))
  }

  it('brings an earlier backup up to date', async () => {
    const last = acknowledged.at(-1)!.intentId!
    expect(await intents('copy', last)).toMatchObject({ code: 3 })
    expect(await commands.run(['backup', 'copy', '--data-dir', 'data'])).toMatchObject({ code: 0 })
    expect(await intents('copy', last)).toMatchObject({ code: 0 })
  })

  it('refuses places that hold something else, and says what to do', async () => {
    const onto = await commands.run(['restore', 'copy', '--data-dir', 'new'])
    expect(onto).toMatchObject({ code: 2, stderr: expect.stringContaining('is not empty (log.db, settings.json)') })
    mkdirSync(place('other'))
    writeFileSync(place('other/diary.txt'), 'mine')
    expect(await commands.run(['backup', 'other', '--data-dir', 'data'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('diary.txt'),
    })
    expect(await commands.run(['backup', 'data/copy', '--data-dir', 'data'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('lies in the data directory itself'),
    })
    expect(await commands.run(['backup', 'none', '--data-dir', 'nowhere'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no log'),
    })
    expect(await commands.run(['restore', 'nowhere', '--data-dir', 'new2'])).toMatchObject({ code: 3 })
  })

  it('restores nothing of a copy that was changed', async () => {
    appendFileSync(join(copyOf('copy'), 'log.db'), 'x')
    const refused = await commands.run(['restore', 'copy', '--data-dir', 'damaged'])
    expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining('its digest is not the one') })
    expect(existsSync(place('damaged'))).toBe(false)
  })

  it('restores nothing of a log with a break', async () => {
    const log = await openSqliteLog({ directory: place('new') })
    const writer = await log.open({ partition: 0, generation: 1, signal: new AbortController().signal })
    await writer.append({ events: [{ key: 'shop-1', value: Buffer.from('no event'), headers: {} }], deadLetters: [] })
    await log.close()
    expect(await commands.run(['backup', 'broken', '--data-dir', 'new'])).toMatchObject({ code: 0 })
    const refused = await commands.run(['restore', 'broken', '--data-dir', 'unsound', '--json'])
    expect(refused.code).toBe(1)
    expect(JSON.parse(refused.stdout)).toMatchObject({ restored: false, audit: { clean: false } })
    expect(existsSync(place('unsound'))).toBe(false)
  })
})
