/** A field, a state and an action got other names: who reads sees what the guards see, and a diff tells what is really otherwise. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Decision, EscalationData, Resource } from '@signalbox/contract'
import type { Diff } from '@signalbox/replay'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Commands, openCommands } from '../support/commands.ts'
import { runHere } from './run-here.ts'

const config = (name: string) => join(import.meta.dirname, `parcels/${name}.config.ts`)
const noKafka = { KAFKA_BROKERS: undefined, KAFKA_BOOTSTRAP_SERVERS: undefined }
let commands: Commands
let directory: string
let amended: string
let committed: string

const here = (name: string, ...parameters: readonly string[]) =>
  runHere([...parameters, '--data-dir', join(directory, 'data'), '--config', config(name)], noKafka)

async function json<Value>(...parameters: readonly string[]): Promise<Value> {
  const { code, stderr, stdout } = await runHere([...parameters, '--json'], noKafka)
  expect(stdout, `${code} ${stderr}`).not.toBe('')
  return JSON.parse(stdout) as Value
}

beforeAll(async () => {
  commands = await openCommands(config('first'))
  directory = commands.directory
  const { url } = commands
  const submit = (action: string) => json<Decision>('intent', 'submit', '--scope', 's', '--agent', 'packer', '--do', action, '--url', url)
  await submit('register parcel/1 {"pounds":10}')
  committed = (await submit('add parcel/1 {"pounds":5}')).intentId!
  await submit('register parcel/7 {"pounds":7}')
  await submit('register parcel/8 {"pounds":1}')
  await submit('send parcel/8')
  await submit('add parcel/8 {"pounds":1}')
  expect((await submit('add parcel/1 {"pounds":500}')).code).toBe('HEAVY')
  const [asked] = await json<Resource[]>('escalation', 'list', '--url', url)
  const id = asked!.resource.slice('escalation/'.length)
  const { digest } = asked!.data as EscalationData
  const verdict = ['--digest', digest, '--reason', 'less', '--by', 'ann', '--do', 'add parcel/1 {"pounds":50}', '--url', url]
  await json<Decision>('escalation', 'amend', id, ...verdict)
  const all = await json<Decision[]>('intent', 'list', '--url', url, '--agent', 'packer')
  amended = all.findLast((each) => each.committed && each.changes[0]!.action === 'add')!.intentId!
  expect(amended).not.toBe(committed)
  await commands.stopUp()
  commands = await openCommands(config('second'), directory)
}, 120_000)

afterAll(async () => {
  await commands.close()
  rmSync(directory, { recursive: true, force: true })
})

describe('what an older version wrote', () => {
  it.each([
    ['by the log', () => ['--data-dir', join(directory, 'data'), '--config', config('second')]],
    ['by the gateway', () => ['--url', commands.url]],
  ])('is shown as the guards see it, %s', async (_name, where) => {
    expect(await json<Resource>('resource', 'show', 's', 'parcel/1', ...where())).toMatchObject({ data: { weightPounds: 65 }, version: 3 })
    expect(await json<Resource>('resource', 'show', 's', 'parcel/8', ...where())).toMatchObject({
      state: 'sent',
      data: { weightPounds: 1 },
    })
    const list = (...more: readonly string[]) => json<Resource[]>('resource', 'list', '--type', 'parcel', ...more, ...where())
    expect((await list()).map(({ data }) => data)).toEqual([{ weightPounds: 65 }, { weightPounds: 7 }, { weightPounds: 1 }])
    expect((await list('--state', 'sent')).map(({ resource }) => resource)).toEqual(['parcel/8'])
    const gone = await runHere(['resource', 'list', '--type', 'parcel', '--state', 'gone', ...where()], noKafka)
    expect(gone).toMatchObject({ code: 2, stderr: expect.stringContaining('"gone" is no state of parcel; there are here, sent') })
  })

  it('is shown as it was written, for a moment of the past and in the history', async () => {
    const then = await here('second', 'resource', 'show', 's', 'parcel/1', '--at', 'end', '--json')
    expect(JSON.parse(then.stdout)).toMatchObject({ data: { pounds: 65 } })
    expect(then.stderr).toContain('as an earlier version of the contract wrote them')
    expect((await here('first', 'resource', 'show', 's', 'parcel/1', '--at', 'end', '--json')).stderr).toBe('')
    const history = await here('second', 'resource', 'history', 's', 'parcel/1', '--json')
    expect((JSON.parse(history.stdout) as Resource[]).map(({ data }) => data)).toEqual([{ pounds: 10 }, { pounds: 15 }, { pounds: 65 }])
  })

  it('is shown by a replay as the guards of that moment saw it', async () => {
    const shown = async (name: string, moment: string) => {
      const { stdout } = await here(name, 'replay', 'run', '--do', `to ${moment}`, '--do', 'show parcel/1 s', '--json')
      return (JSON.parse(stdout.trim().split('\n').at(-1)!) as Resource).data
    }
    const opened = await here('second', 'replay', 'run', '--do', 'to end', '--do', 'where', '--json')
    const { position } = JSON.parse(opened.stdout.trim().split('\n').at(-1)!) as { position: string }
    // The last event is the opening under the second version.
    expect(await shown('second', position)).toEqual({ weightPounds: 65 })
    const before = `0:${Number(position.split(':')[1]) - 1}`
    expect(await shown('first', before)).toEqual({ pounds: 65 })
  })

  it('is shown as it was written where the upcast fails, and that is said', async () => {
    const failing = await here('failing', 'resource', 'show', 's', 'parcel/7')
    expect(failing).toMatchObject({ code: 0, stdout: expect.stringMatching(/"pounds":7[\s\S]*fault .*no parcel weighs seven/) })
    const list = await here('failing', 'resource', 'list', '--type', 'parcel', '--json')
    expect(JSON.parse(list.stdout)).toMatchObject([
      { data: { weightPounds: 65 } },
      { data: { pounds: 7 }, fault: expect.stringContaining('no parcel weighs seven') },
      { data: { weightPounds: 1 } },
    ])
  })

  it('has in the rows of the projection the version that wrote it', async () => {
    const rows = await json<{ key: string; row: object }[]>(
      'projection',
      'rows',
      'resources',
      '--prefix',
      's/parcel',
      '--data-dir',
      join(directory, 'data'),
      '--config',
      config('second'),
    )
    expect(rows[0]!.row).toMatchObject({ data: { pounds: 65 }, contractVersion: 1 })
  })
})

describe('a diff over the change of names', () => {
  it.each([[[]], [['--chained']]])('finds nothing otherwise %j', async (more) => {
    const { code, stdout, stderr } = await here('first', 'replay', 'diff', '--with', config('second'), '--json', ...more)
    const { changes, flips, ...rest } = JSON.parse(stdout) as Diff
    expect({ flips, changes, rules: rest.rules }, stderr).toEqual({ flips: [], changes: [], rules: {} })
    expect(code).toBe(0)
  })

  it('tells of an amended intent what was done, and by which agent', async () => {
    const { stdout } = await here('second', 'replay', 'diff', '--with', config('failing'), '--json')
    const { changes, flips } = JSON.parse(stdout) as Diff
    const told = [...flips, ...changes].find(({ intentId }) => intentId === amended)
    expect(told).toMatchObject({ agent: 'packer', actions: ['add parcel/1'] })
  })
})

describe('a decision whose contract is no longer in the config', () => {
  it('is headlined as it was decided, and says what cannot be computed anew', async () => {
    const { stdout, code } = await here('second', 'intent', 'explain', committed)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^COMMITTED /)
    expect(stdout).toContain('parcel@1, which decided, is not in the config')
    const list = await json<Decision[]>('intent', 'list', '--data-dir', join(directory, 'data'), '--config', config('second'))
    for (const { intentId, committed: isCommitted, code: why } of list) {
      const { stdout: text } = await here('second', 'intent', 'explain', intentId!)
      expect(text).toMatch(isCommitted ? /^COMMITTED / : new RegExp(`^REJECTED {2}${why}`))
    }
  })
})
