/** `signalbox replay run`: steps through what happened, forwards and back, by commands that a person types or a script gives. */
import { createInterface } from 'node:readline'
import { type Event, formatEventReference } from '@signalbox/contract'
import type { LoggedEvent } from '@signalbox/event-log'
import { rulesAt, type Source } from '@signalbox/partition-state'
import { explainIn, presentDecision, presentResource } from '@signalbox/presentation'
import { changes, isReject, ReplaySession } from '@signalbox/replay'
import { CommandError, exitCodes } from '../../exit-codes.ts'
import { withSource } from '../../logs.ts'
import { checkIntentId, checkName } from '../../names.ts'
import { wholeNumber } from '../../numbers.ts'
import { printOne, say, sayLines, sayPart } from '../../output.ts'
import { noteFuture, partitionFrom, readPosition } from '../../positions.ts'
import { decisionText, isoTime, resourceText } from '../../render/decision.ts'
import { eventLine } from '../../render/event.ts'
import { explainedText } from '../../render/explanation.ts'
import { readerRules } from '../../rules.ts'
import type { Settings } from '../../settings.ts'
import { inOneLine } from '../../visible.ts'

export interface RunFlags {
  readonly scope?: string
  readonly partition?: string
  readonly at?: string
  readonly do?: readonly string[]
}

const help = `step [N]                     let the next N events happen (1)
back [N]                     take the last N events back (1)
next reject [CODE]           on to the next thing that went wrong, and past it
next change TYPE/ID          on to the next change of a resource, and past it
next intent ID               on to the next event of an intent, and past it
to PARTITION:OFFSET|TIME     to a moment, also back; start and end are moments too
show TYPE/ID [SCOPE]         a resource as it is at this moment
explain                      the last decision: every check with what it saw, computed anew
where                        where this is
help, quit`

export async function run(settings: Settings, flags: RunFlags): Promise<number> {
  return await withSource(settings, async (source) => {
    const partition = partitionFrom(flags, source.log.partitionCount)
    const session = await ReplaySession.open(source, partition)
    const player = new Player(settings, source, session, flags.scope ?? null)
    try {
      if (flags.at !== undefined) await player.take(`to ${flags.at}`)
      for (const command of flags.do ?? []) if (!(await player.take(command))) return exitCodes.ok
      if (flags.do === undefined) await fromStandardInput(player)
      return exitCodes.ok
    } finally {
      await session.close()
    }
  })
}

async function fromStandardInput(player: Player): Promise<void> {
  const isTyped = process.stdin.isTTY === true
  if (isTyped) say('read-only: nothing can be written, and no agent is asked anything; help says what to type')
  const lines = createInterface({ input: process.stdin, terminal: false })
  const prompt = () => {
    if (isTyped) sayPart(`${player.where()} > `)
  }
  prompt()
  for await (const line of lines) {
    try {
      if (!(await player.take(line))) return
    } catch (error) {
      // A slip of the finger ends nothing; a script that is wrong does.
      if (!isTyped || !(error instanceof CommandError)) throw error
      say(error.message)
    }
    prompt()
  }
}

class Player {
  readonly #settings: Settings
  readonly #source: Source
  readonly #session: ReplaySession
  #scope: string | null

  constructor(settings: Settings, source: Source, session: ReplaySession, scope: string | null) {
    this.#settings = settings
    this.#source = source
    this.#session = session
    this.#scope = scope
  }

  where(): string {
    return `${this.#session.partition}:${this.#session.position}`
  }

  /** False when it is over. Errors: CommandError. */
  async take(line: string): Promise<boolean> {
    const [verb = '', ...words] = line.trim().split(/\s+/)
    switch (verb) {
      case '':
      case '#':
        return true
      case 'quit':
      case 'exit':
        return false
      case 'help':
        sayLines(help)
        return true
      case 'step':
        await this.#step(countOf(words[0]))
        return true
      case 'back':
        await this.#back(countOf(words[0]))
        return true
      case 'next':
        await this.#next(words)
        return true
      case 'to':
        await this.#to(words.join(' '))
        return true
      case 'show':
        this.#show(words)
        return true
      case 'explain':
        await this.#explain()
        return true
      case 'where':
        this.#tell({ position: this.where(), ...this.#moment() }, () => this.#momentText())
        return true
      default:
        throw new CommandError(
          'usage',
          `${verb} is no command of a replay; there are step, back, next, to, show, explain, where, help and quit`,
        )
    }
  }

  async #step(count: number): Promise<void> {
    for (let taken = 0; taken < count; taken++) {
      const logged = await this.#session.next()
      if (logged === null) return this.#atEnd()
      this.#event(logged)
    }
  }

  async #back(count: number): Promise<void> {
    for (let taken = 0; taken < count && this.#session.steps > 0; taken++) await this.#session.previous()
    this.#tell({ position: this.where(), ...this.#moment() }, () => this.#momentText())
  }

  async #next([what, name]: readonly string[]): Promise<void> {
    const fits = this.#fits(what, name)
    const logged = await this.#session.nextWhere((event) => (this.#scope === null || event.scope === this.#scope) && fits(event))
    if (logged === null && what === 'intent' && name !== undefined) checkIntentId(name)
    if (logged === null) this.#atEnd()
    else this.#event(logged)
  }

  #fits(what: string | undefined, name: string | undefined): (event: Event) => boolean {
    if (what === 'reject' && name !== undefined) checkName('CODE', 'code', name)
    if (what === 'change' && name !== undefined) checkName('TYPE/ID', 'resource', name)
    if (what === 'reject')
      return (event) => isReject(event) && (name === undefined || ('code' in event.payload && event.payload.code === name))
    if (what === 'change' && name !== undefined) return (event) => changes(event, this.#scope, name)
    if (what === 'intent' && name !== undefined) return (event) => 'intentId' in event.payload && event.payload.intentId === name
    throw new CommandError('usage', 'next takes: reject [CODE], change TYPE/ID, or intent ID')
  }

  async #to(text: string): Promise<void> {
    noteFuture(text)
    const { logOffset } = await readPosition(this.#source, this.#session.partition, text)
    let saidMs = performance.now()
    await this.#session.to(logOffset, 'logOffset', (position) => {
      if (performance.now() - saidMs < 1_000) return
      saidMs = performance.now()
      say(`at ${this.#session.partition}:${position} of ${logOffset}`)
    })
    this.#tell({ position: this.where(), ...this.#moment() }, () => this.#momentText())
  }

  #show([resource, ...rest]: readonly string[]): void {
    const scope = rest.length > 0 ? rest.join(' ') : (this.#scope ?? this.#session.last?.event.scope)
    if (resource === undefined || scope === undefined || scope === '')
      throw new CommandError('usage', 'show takes TYPE/ID and the scope: show order/7 customer-42 (or start with --scope)')
    checkName('TYPE/ID', 'resource', resource)
    checkName('SCOPE', 'scope', scope)
    const { state } = this.#session
    // As the guards of that moment saw it: by the contracts of then, as far as they are in the config.
    const contracts =
      this.#settings.config === null
        ? undefined
        : rulesAt(readerRules(this.#settings, this.#source.log.partitionCount), state.contracts).contracts
    const found = presentResource(scope, resource, state.resourceIn(scope, resource), contracts)
    this.#tell(found, resourceText)
  }

  async #explain(): Promise<void> {
    const { last } = this.#session
    if (last === null || presentDecision(last.event, last.logOffset) === null)
      throw new CommandError('usage', 'the last event is no decision; go to one: next reject, next intent ID')
    const rules = readerRules(this.#settings, this.#source.log.partitionCount)
    await this.#session.previous()
    const explained = explainIn(this.#session.state, rules, last)
    await this.#session.next()
    this.#tell(explained, explainedText)
  }

  #moment(): { readonly events: number; readonly time: string; readonly last: string | null } {
    const { last, state, steps } = this.#session
    return {
      events: steps,
      time: isoTime(state.time),
      last: last === null ? null : formatEventReference(last.event),
    }
  }

  #momentText(): string {
    const { events, time } = this.#moment()
    const { last } = this.#session
    return `${this.where()}  ${events} events have happened${events === 0 ? '' : `, the last at ${time}`}${last === null ? '' : `\n  ${eventLine(inOneLine(last))}`}`
  }

  #event(logged: LoggedEvent): void {
    const decision = presentDecision(logged.event, logged.logOffset)
    this.#tell({ position: this.where(), event: logged.event }, () =>
      [eventLine(inOneLine(logged)), ...(decision === null ? [] : [indented(decisionText(inOneLine(decision)))])].join('\n'),
    )
  }

  #atEnd(): void {
    this.#tell({ position: this.where(), end: true }, () => `${this.where()}  that was the last event`)
  }

  #tell<Value>(value: Value, text: (value: Value) => string): void {
    const { output } = this.#settings
    printOne(output === 'json' ? 'jsonl' : output, value, text)
  }
}

function indented(text: string): string {
  return text
    .split('\n')
    .slice(1)
    .map((line) => `  ${line}`)
    .join('\n')
}

function countOf(text: string | undefined): number {
  if (text === undefined) return 1
  return wholeNumber('a number of events', text, { least: 1 })
}
