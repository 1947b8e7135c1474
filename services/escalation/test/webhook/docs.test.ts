/** The receiver in the docs, as it stands there, against the delivery. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bodyOf } from '../../src/webhook/notification.ts'
import { Secret, signedHeaders } from '../../src/webhook/signature.ts'
import { Desk, notificationOf, secret, timeoutMs } from './desk.ts'

const page = resolve(import.meta.dirname, '../../../../docs/escalation-webhooks.md')
const oldSecret = `whsec_${Buffer.alloc(24, 3).toString('base64')}`
const foreignSecret = `whsec_${Buffer.alloc(24, 4).toString('base64')}`

let folder: string
let receiver: ChildProcess
let lines: AsyncIterator<string>
let port: number

const nextLine = async () => {
  const { done, value } = await lines.next()
  if (done) throw new Error('the receiver has ended')
  return value
}

beforeAll(async () => {
  const [, example] = /```js\n([\s\S]*?)```/.exec(await readFile(page, 'utf8')) ?? []
  folder = await mkdtemp(join(tmpdir(), 'signalbox-receiver-'))
  await writeFile(join(folder, 'receiver.mjs'), example!)
  await symlink(resolve(import.meta.dirname, '../../node_modules'), join(folder, 'node_modules'))
  receiver = spawn(process.execPath, ['receiver.mjs'], {
    cwd: folder,
    env: { PORT: '0', WEBHOOK_SECRETS: `${secret} ${oldSecret}` },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  lines = createInterface({ input: receiver.stdout! })[Symbol.asyncIterator]()
  port = Number((await nextLine()).replace('listening on ', ''))
})

afterAll(async () => {
  if (receiver.exitCode === null && receiver.signalCode === null) {
    const ended = once(receiver, 'exit')
    receiver.kill()
    await ended
  }
  await rm(folder, { recursive: true, force: true })
})

const targetWith = (...secrets: readonly string[]) => ({
  name: 'pager',
  url: `http://127.0.0.1:${port}/hooks`,
  secrets,
  allowPrivate: true,
  allowPlain: true,
  ports: [port],
  timeoutMs,
})

describe('the receiver in the docs', () => {
  it('takes what is signed with any of its secrets, and does nothing twice', async () => {
    for (const [id, secrets] of [
      ['id-1', [secret]],
      ['id-1', [secret]],
      ['id-2', [oldSecret, foreignSecret]],
    ] as const) {
      await using desk = new Desk([targetWith(...secrets)])
      expect(await desk.delivery.notify(notificationOf(id))).toEqual([{ kind: 'delivered', target: 'pager', attempts: 1 }])
    }
    expect([await nextLine(), await nextLine()]).toEqual([
      'escalation.triggered group-1 {"escalation":"id-1"}',
      'escalation.triggered group-1 {"escalation":"id-2"}',
    ])
  })

  it('refuses what somebody else has signed: a dead letter that says where to look', async () => {
    await using desk = new Desk([targetWith(foreignSecret)])
    expect(await desk.delivery.notify(notificationOf('id-3'))).toMatchObject([{ cause: { code: 'REFUSED', status: 401 } }])
  })

  it('refuses what was signed long ago, and a body that was changed', async () => {
    const body = bodyOf(notificationOf('id-4'))
    const post = async (nowMs: number, sent: Buffer) => {
      const headers = { ...signedHeaders('id-4', nowMs, body, [new Secret(secret, 'secret')]) }
      return (await fetch(`http://127.0.0.1:${port}/hooks`, { method: 'POST', headers, body: new Uint8Array(sent) })).status
    }
    expect(await post(Date.now() - 6 * 60_000, body)).toBe(401)
    expect(await post(Date.now(), Buffer.concat([body, Buffer.from(' ')]))).toBe(401)
    expect(await post(Date.now(), body)).toBe(204)
  })
})

describe('the docs', () => {
  it('explain every cause of a dead letter, and every setting of a target', async () => {
    const source = (file: string) => readFile(resolve(import.meta.dirname, '../../src/webhook', file), 'utf8')
    const settingsSource = () => readFile(resolve(import.meta.dirname, '../../../../packages/contract/src/escalation-settings.ts'), 'utf8')
    const text = await readFile(page, 'utf8')
    const codes = [...(await source('dead-letters.ts')).matchAll(/\| '([A-Z_]+)'/g)].map(([, code]) => code!)
    expect(codes.length).toBeGreaterThan(4)
    for (const code of [...codes, 'ADDRESS_REFUSED', 'REDIRECTED', 'REFUSED', 'GONE']) expect(text).toContain(`\`${code}\``)
    const [, settings] = /interface WebhookTargetSettings \{([\s\S]*?)\n\}/.exec(await settingsSource()) ?? []
    const names = [...settings!.matchAll(/readonly (\w+)\??:/g)].map(([, name]) => name!)
    expect(names).toHaveLength(11)
    for (const name of names) expect(text).toContain(`| \`${name}\` |`)
  })
})
