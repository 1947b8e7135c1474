/** `npm run demo -- --story NAME`: two processes race for real on a Signalbox of their own. */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { CommandError, exitCodes, openLog, serviceLogger } from '@signalbox/cli'
import { connect } from '@signalbox/client'
import { contractSet, type Decision } from '@signalbox/contract'
import { startSignalbox } from '@signalbox/signalbox'
import { setUp } from './act.ts'
import type { Part } from './actor-process.ts'
import { stories } from './all-stories.ts'
import type { Actor, Ending, Story } from './story.ts'
import { tell } from './tell.ts'

const patienceMs = 30_000

interface Player {
  readonly actor: Actor
  readonly ready: Promise<void>
  readonly decisions: Promise<readonly Decision[]>
  go(): void
}

function play(part: Part): { player: Player; child: ChildProcess } {
  const child = fork(resolve(import.meta.dirname, 'actor-process.ts'), [JSON.stringify(part)], { stdio: ['ignore', 2, 2, 'ipc'] })
  const within = <Value>(pick: (message: { ready?: true; decisions?: Decision[] }) => Value | undefined): Promise<Value> =>
    new Promise((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`the agent ${part.actor.agent} ${why}`))
      const timer = setTimeout(() => fail(`said nothing for ${patienceMs} ms`), patienceMs)
      child.on('message', (message: { ready?: true; decisions?: Decision[] }) => {
        const value = pick(message)
        if (value === undefined) return
        clearTimeout(timer)
        resolve(value)
      })
      child.once('exit', (code) => {
        clearTimeout(timer)
        if (code !== 0) fail(`ended with exit code ${code}`)
      })
    })
  const ready = within((message) => (message.ready === true ? true : undefined)).then(() => {})
  const decisions = within((message) => message.decisions)
  for (const promise of [ready, decisions]) promise.catch(() => {})
  return { child, player: { actor: part.actor, ready, decisions, go: () => void child.send('go') } }
}

/** Runs a story with two real processes and gives its ending. */
export async function stage(story: Story): Promise<Ending> {
  const directory = mkdtempSync(join(tmpdir(), 'signalbox-story-'))
  const children: ChildProcess[] = []
  const log = await openLog({ log: 'sqlite', dataDirectory: directory, config: null })
  const signalbox = await startSignalbox({ log, contracts: contractSet(story.contracts), logger: serviceLogger('error') })
  try {
    const url = await signalbox.gateway.server.listen({ host: '127.0.0.1', port: 0 })
    const { desk } = signalbox.gateway
    await setUp((agent) => connect({ coordinator: desk, agent }), story)
    const players = story.actors.map((actor) => {
      const { child, player } = play({ url, scope: story.scope, actor })
      children.push(child)
      return player
    })
    await Promise.all(players.map(({ ready }) => ready))
    const decisions: { agent: string; decision: Decision }[] = []
    const take = async ({ actor, decisions: theirs }: Player) =>
      decisions.push(...(await theirs).map((decision) => ({ agent: actor.agent, decision })))
    for (const player of players) {
      player.go()
      if (story.inTurn === true) await take(player)
    }
    if (story.inTurn !== true) await Promise.all(players.map(take))
    const [shown] = (await desk.observe(story.scope, [story.shows], {}))!.resources
    return { decisions, shown: shown! }
  } finally {
    for (const child of children) child.kill()
    await signalbox.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The command: tells one story. Resolves to the exit code. */
export async function runStory(name: string, { json }: { readonly json: boolean }): Promise<number> {
  const story = stories.find((each) => each.name === name)
  if (story === undefined)
    throw new CommandError('usage', `there is no story ${name}; there are ${stories.map((each) => each.name).join(', ')}`)
  const ending = await stage(story)
  const winner = ending.decisions.find(({ decision }) => decision.committed)?.agent ?? null
  const rejected = ending.decisions.filter(({ decision }) => !decision.committed)
  if (json) {
    const codes = rejected.map(({ agent, decision }) => ({ agent, code: decision.code, resource: decision.resource }))
    process.stdout.write(
      `${JSON.stringify({ story: name, committed: ending.decisions.length - rejected.length, rejected: codes, first: winner, shown: ending.shown })}\n`,
    )
  } else {
    process.stdout.write(`${tell(story, ending)}\n`)
    process.stderr.write(`\nthis time ${winner} came first\n`)
  }
  return rejected.length === 1 ? exitCodes.ok : exitCodes.bug
}
