/** The commands of coordination as processes: what a person at the pager types. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '@signalbox/codec'
import type { Decision, EscalationData, Resource } from '@signalbox/contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Commands, openCommands } from '../support/commands.ts'

let commands: Commands

beforeAll(async () => {
  commands = await openCommands(join(import.meta.dirname, 'desk.config.ts'))
})

afterAll(async () => await commands.close())

const run = (...parameters: readonly string[]) => commands.run([...parameters, '--url', commands.url])

async function json<Value>(...parameters: readonly string[]): Promise<Value> {
  const { code, stderr, stdout } = await run(...parameters, '--json')
  expect(stdout, `${code} ${stderr}`).not.toBe('')
  return JSON.parse(stdout) as Value
}

const submit = (agent: string, action: string, ...more: readonly string[]) =>
  run('intent', 'submit', '--scope', 's', '--agent', agent, '--do', action, ...more)

describe('escalation', () => {
  it('is listed, shown, and settled by a verdict on what was seen', async () => {
    expect((await submit('intake', 'request refund/1 {"cents":900}')).code).toBe(0)
    const asked = await submit('policy', 'approve refund/1', '--expect', 'refund/1@1')
    expect(asked).toMatchObject({ code: 7, stdout: expect.stringContaining('ASKS A HUMAN  LARGE') })
    const [open] = await json<Resource[]>('escalation', 'list')
    const id = open!.resource.slice('escalation/'.length)
    const shown = await run('escalation', 'show', id)
    expect(shown.stdout).toMatch(/it stands on +refund\/1@1/)
    const { digest } = open!.data as EscalationData
    // Nothing is filled in: whoever says yes says to what.
    expect(await run('escalation', 'approve', id, '--by', 'ann')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('give --reason'),
    })
    expect(await run('escalation', 'approve', id, '--by', 'ann', '--reason', 'fine')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('give --digest'),
    })
    expect(await run('escalation', 'approve', id, '--by', 'ann', '--reason', 'fine', '--digest', 'other-digest')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('something moved since you looked'),
    })
    expect((await run('escalation', 'ack', id, '--by', 'ann', '--reason', 'looking')).code).toBe(0)
    expect((await run('escalation', 'assign', id, '--by', 'ann', '--to', 'eve', '--reason', 'hers')).code).toBe(0)
    // The world moves on: the approval is refused, and says so.
    expect((await submit('intake', 'correct refund/1 {"cents":800}')).code).toBe(0)
    const stale = await run('escalation', 'approve', id, '--by', 'ann', '--reason', 'fine', '--digest', digest.slice(0, 12))
    expect(stale).toMatchObject({ code: 5, stdout: expect.stringContaining('VERDICT_REFUSED') })
    const now = (await json<Resource>('escalation', 'show', id)).data as EscalationData
    expect(now).toMatchObject({ acknowledgedBy: 'human:ann', assignee: 'eve', versions: [{ resource: 'refund/1', version: 2 }] })
    expect((await run('escalation', 'approve', id, '--by', 'ann', '--reason', 'fine', '--digest', now.digest)).code).toBe(0)
    const decision = await json<Decision>('intent', 'show', now.intentId!)
    expect(decision).toMatchObject({ committed: true, verdict: `escalation/${id}`, agent: 'policy' })
    expect((await run('escalation', 'list')).stdout).toBe('')
    expect(await run('escalation', 'reject', id, '--by', 'ann', '--reason', 'late')).toMatchObject({ code: 5 })
    expect((await run('escalation', 'show', 'nothing')).code).toBe(3)
  })

  it('is amended: something else is done in its place', async () => {
    expect((await submit('intake', 'request refund/2 {"cents":900}')).code).toBe(0)
    expect((await submit('policy', 'approve refund/2', '--expect', 'refund/2@1')).code).toBe(7)
    const [open] = await json<Resource[]>('escalation', 'list')
    const { digest, intentId } = open!.data as EscalationData
    const id = open!.resource.slice('escalation/'.length)
    const amended = await run(
      'escalation',
      'amend',
      id,
      '--by',
      'eve',
      '--reason',
      'half',
      '--digest',
      digest,
      '--do',
      'correct refund/2 {"cents":450}',
    )
    expect(amended, amended.stderr).toMatchObject({ code: 0 })
    expect(await json<Decision>('intent', 'show', intentId!)).toMatchObject({ committed: false, code: 'ESCALATION_AMENDED' })
    expect(await json<Resource>('resource', 'show', 's', 'refund/2')).toMatchObject({ data: { cents: 450 } })
  })
})

describe('agent', () => {
  it('is in quarantine everywhere when the command returns, and out of it likewise', async () => {
    expect((await run('agent', 'quarantine', 'wild')).code).toBe(2)
    const barred = await run('agent', 'quarantine', 'wild', '--reason', 'sells twice', '--by', 'ops', '--tainted-since', '15m')
    expect(barred).toMatchObject({ code: 0, stderr: expect.stringContaining('wild is quarantined on all 1 partitions') })
    expect(await submit('wild', 'request refund/3 {"cents":1}')).toMatchObject({
      code: 5,
      stdout: expect.stringContaining('AGENT_QUARANTINED'),
    })
    expect((await run('agent', 'show', 'wild')).stdout).toContain('yes: sells twice')
    expect((await run('agent', 'list')).stdout).toContain('wild  quarantined: sells twice')
    expect((await run('agent', 'release', 'wild', '--reason', 'mended', '--by', 'ops')).code).toBe(0)
    expect((await submit('wild', 'request refund/3 {"cents":1}')).code).toBe(0)
  })
})

describe('intent', () => {
  it('waits, and is withdrawn', async () => {
    expect((await submit('intake', 'request refund/4 {"cents":900}')).code).toBe(0)
    const waiting = await submit('mailer', 'remind refund/4', '--on-conflict', 'wait', '--wait-ms', '50')
    expect(waiting).toMatchObject({ code: 6, stdout: expect.stringContaining('WAITS  GUARD_REFUSED') })
    const id = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(waiting.stdout)![0]
    expect((await run('intent', 'withdraw', id, '--agent', 'other')).code).toBe(5)
    expect((await run('intent', 'withdraw', id, '--agent', 'mailer', '--reason', 'no longer wanted')).code).toBe(0)
    expect(await json<Decision>('intent', 'show', id)).toMatchObject({ committed: false, code: 'WITHDRAWN' })
  })
})

describe('task and handoff', () => {
  it('are offered, claimed by one, handed on read, and done', async () => {
    expect((await run('task', 'offer', 't', '--scope', 's', '--agent', 'boss', '--title', 'count')).code).toBe(0)
    expect((await run('task', 'claim', 't', '--agent', 'ann')).code).toBe(0)
    expect((await run('task', 'claim', 't', '--agent', 'bob')).code).toBe(5)
    expect((await run('task', 'list')).stdout).toContain('task/t  claimed  ann until')
    const offer = ['--scope', 's', '--agent', 'ann', '--to', 'bob', '--task', 'task/t', '--digest', 'd1', '--position', '0:1']
    expect((await run('handoff', 'offer', 'h', ...offer)).code).toBe(0)
    expect((await run('handoff', 'accept', 'h', '--agent', 'bob', '--readback', 'unread')).code).toBe(5)
    expect((await run('handoff', 'accept', 'h', '--agent', 'bob', '--readback', 'd1')).code).toBe(0)
    expect((await run('handoff', 'list')).stdout).toContain('accepted  ann -> bob  task/t')
    expect((await run('task', 'done', 't', '--agent', 'bob', '--result', '4 left')).code).toBe(0)
    expect(await json<Resource>('task', 'show', 't')).toMatchObject({ state: 'done', data: { result: '4 left', hops: 1 } })
  })
})

describe('handoff packets', () => {
  const data = ['--data-dir', 'data'] as const
  const file = (name: string) => join(commands.directory, name)

  it('are compiled at a position, handed over, accepted with what they say, and held against the log', async () => {
    expect((await submit('intake', 'request refund/9 {"cents":90}', '--note', 'the seal is broken')).code).toBe(0)
    expect((await submit('reader', 'take reservation/refund/9 {"forMs":60000}')).code).toBe(0)
    expect((await submit('intake', 'request refund/10 {"cents":91}')).code).toBe(0)
    const about = ['--scope', 's', '--purpose', 'pay it', '--from', 'ann', '--to', 'bob', '--about', 'refund/9', ...data]
    const compiled = await commands.run(['handoff', 'compile', ...about, '--packet', 'packet.json'])
    expect(compiled.code, compiled.stderr).toBe(0)
    expect(compiled.stdout).toMatch(/^# Handoff packet, signalbox-packet\/1\n/)
    expect(compiled.stdout).toContain('## "resource:refund/9" REQUIRED\n{"data":{"cents":90},"state":"requested","version":1}')
    expect(compiled.stdout).toContain('## "reservation:refund/9" REQUIRED\n{"expires":')
    expect(compiled.stdout).toContain('"note":"the seal is broken"')
    const packet = JSON.parse(readFileSync(file('packet.json'), 'utf8')) as { digest: string; position: string; totals: { tokens: number } }

    // The same again at the same position, although the log has gone on.
    expect((await submit('intake', 'correct refund/10 {"cents":95}')).code).toBe(0)
    const again = await commands.run(['handoff', 'compile', ...about, '--at', packet.position, '--json'])
    expect(JSON.parse(again.stdout)).toEqual(packet)

    // What contracts require is never cut: an impossible budget says what would do.
    const tight = await commands.run(['handoff', 'compile', ...about, '--tokens', '120'])
    expect(tight).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('BUDGET_IMPOSSIBLE') })
    const small = await commands.run(['handoff', 'compile', ...about, '--tokens', `${packet.totals.tokens - 60}`, '--packet', 'small.json'])
    expect(small.code, small.stderr).toBe(0)
    expect(small.stdout).toContain('## "resource:refund/9" REQUIRED')
    const omitted = await commands.run(['handoff', 'omissions', 'small.json', ...data, '--json'])
    expect(omitted.code, omitted.stderr).toBe(0)
    const [first] = JSON.parse(omitted.stdout) as { reference: string; reason: string; fetch: string }[]
    const { position } = JSON.parse(readFileSync(file('small.json'), 'utf8')) as { position: string }
    expect(first!.fetch).toBe(`signalbox handoff part ${first!.reference} --at ${position} --scope "s"`)
    const fetched = await commands.run(['handoff', 'part', first!.reference, '--at', position, '--scope', 's', ...data])
    expect(fetched.code, fetched.stderr).toBe(0)
    expect(Object.keys(JSON.parse(fetched.stdout) as object).length).toBeGreaterThan(1)
    expect((await commands.run(['handoff', 'part', 'resource:refund/none', '--scope', 's', ...data])).stdout).toContain('"exists": false')
    expect((await commands.run(['handoff', 'part', 'decision:9/9/9', '--scope', 's', ...data])).code).toBe(3)

    // Handed over by its file: the digest of what was read, and what it stands on.
    expect((await run('handoff', 'offer', 'p', '--scope', 's', '--agent', 'ann', '--to', 'bob', '--packet', 'packet.json')).code).toBe(0)
    writeFileSync(file('forged.json'), JSON.stringify({ ...packet, position: '0:1' }))
    expect(await run('handoff', 'accept', 'p', '--agent', 'bob', '--packet', 'forged.json')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('the packet says that its digest is'),
    })
    expect(await commands.run(['handoff', 'check', 'packet.json', ...data])).toMatchObject({
      code: 8,
      stdout: expect.stringContaining('refund/10 1 -> 2'),
    })
    expect((await run('handoff', 'accept', 'p', '--agent', 'bob', '--packet', 'packet.json')).code).toBe(0)
    const accepted = await json<Resource>('handoff', 'show', 'p')
    expect(accepted).toMatchObject({
      state: 'accepted',
      data: { seal: sha256(packet.digest), moved: [{ resource: 'refund/10', from: 1, to: 2 }] },
    })
  })
})
