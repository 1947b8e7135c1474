/** One run of the story: Signalbox in this process, everyone else in their own; then everything is counted. */
import { join, resolve } from 'node:path'
import { environment, openLog, rememberConfig, serviceLogger } from '@signalbox/cli'
import { sha256 } from '@signalbox/codec'
import { contractRecords, defaultLimits } from '@signalbox/contract'
import { preparedContracts } from '@signalbox/core'
import { readEvents } from '@signalbox/event-log'
import { replaceFile } from '@signalbox/files'
import { currentState, type Source } from '@signalbox/partition-state'
import { listResources } from '@signalbox/presentation'
import { auditPartition } from '@signalbox/replay'
import { type RunningSignalbox, startSignalbox } from '@signalbox/signalbox'
import { curtain, goesWrong, handedOver, large, ordinary } from './acts.ts'
import { AgentProcess, StubProcess } from './cast.ts'
import { prepareDirectory, storyMark } from './directory.ts'
import { type AgentName, agentNames, type Plan, type Plant, planOf } from './plan.ts'
import config from './signalbox.config.ts'
import { readLedger } from './stub.ts'
import { Counter, type Tally } from './tally.ts'
import type { World } from './world.ts'

export const configFile = resolve(import.meta.dirname, 'signalbox.config.ts')
const runMs = 55_000

export interface RunOptions {
  readonly seed: number
  /** Where the log and the ledgers stay behind. */
  readonly directory: string
  readonly plant: Plant | null
  readonly tell: (line: string) => void
}

export interface Run {
  readonly plan: Plan
  readonly directory: string
  readonly tally: Tally
  /** Whether the log, decided again from its first intent, gives the same decisions and the same state. */
  readonly replaysEqual: boolean
  readonly refundedCents: number
  readonly tookMs: number
}

/** Plays the story of a seed. Throws when it could not be played to its end; what was started is ended in any case. */
export async function runSeed(options: RunOptions): Promise<Run> {
  const startedMs = performance.now()
  const { directory, plant, seed, tell } = options
  const plan = planOf(seed)
  prepareDirectory(directory)
  replaceFile(join(directory, storyMark), `${JSON.stringify({ seed, wrong: plan.wrong, mistake: plan.mistake, plant })}\n`)
  rememberConfig(directory, configFile)
  const log = await openLog({ log: 'sqlite', dataDirectory: directory, config })
  const signalbox = await startSignalbox({
    log,
    contracts: config.contractSet,
    agents: config.agents ?? null,
    containment: config.contained,
    logger: serviceLogger(environment().SIGNALBOX_LOG_LEVEL ?? 'error'),
  })
  try {
    const ledgers = await play(signalbox, plan, directory, plant, tell)
    const counter = new Counter(plan.wrong, log.partitionCount)
    const { source } = signalbox.gateway.desk
    for (let partition = 0; partition < log.partitionCount; partition++)
      for await (const { event } of readEvents(source, partition)) counter.add(event)
    const replaysEqual = (await replays(signalbox, source)) && (await isFoldedAsRead(signalbox, source))
    const refundedCents = ledgers.bank.reduce((sum, { amountCents }) => sum + (amountCents ?? 0), 0)
    return { plan, directory, tally: counter.tally(ledgers), replaysEqual, refundedCents, tookMs: performance.now() - startedMs }
  } finally {
    await signalbox.stop()
  }
}

type Books = { readonly bank: ReturnType<typeof readLedger>; readonly mail: ReturnType<typeof readLedger> }

async function play(
  signalbox: RunningSignalbox,
  plan: Plan,
  directory: string,
  plant: Plant | null,
  tell: (line: string) => void,
): Promise<Books> {
  const started: { stop(): Promise<void> }[] = []
  const keep = async <Process extends { stop(): Promise<void> }>(starting: Promise<Process>): Promise<Process> => {
    const process = await starting
    started.push(process)
    return process
  }
  let timer: NodeJS.Timeout | undefined
  try {
    const url = await signalbox.gateway.server.listen({ host: '127.0.0.1', port: 0 })
    const ignoresKeys = plant === 'bank-ignores-keys'
    const [bank, mail] = await all([
      keep(StubProcess.start('bank', directory, { losesFirstAnswer: true, ignoresKeys })),
      keep(StubProcess.start('mail-server', directory, { losesFirstAnswer: false, ignoresKeys: false })),
    ])
    const part = (agent: AgentName) => ({ agent, url, bankUrl: bank!.url, mailUrl: mail!.url, directory, plant })
    const cast = await all(agentNames.map((agent) => keep(AgentProcess.start(part(agent)))))
    const world: World = {
      plan,
      plant,
      signalbox,
      agents: new Map(cast.map((agent) => [agent.name, agent])),
      bank: bank!,
      mail: mail!,
      tell,
    }
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`the story was not over after ${runMs} ms`)), runMs)
    })
    await Promise.race([perform(world), late, signalbox.failed])
    return { bank: readLedger(bank!.ledgerFile), mail: readLedger(mail!.ledgerFile) }
  } finally {
    clearTimeout(timer)
    await Promise.all(started.map((process) => process.stop()))
  }
}

/** As Promise.all, but it waits for the others where one fails: what still starts must be known, to be ended. */
async function all<Value>(promises: readonly Promise<Value>[]): Promise<readonly Value[]> {
  await Promise.allSettled(promises)
  return await Promise.all(promises)
}

async function perform(world: World): Promise<void> {
  const acts = [
    ['An ordinary refund', ordinary],
    ['A large one', large],
    ['A piece of work changes hands', handedOver],
    ['One agent goes wrong', goesWrong],
    ['What is left for humans', curtain],
  ] as const
  for (const [title, act] of acts) {
    world.tell(`\n${title}`)
    await act(world)
  }
}

/** As `signalbox audit` does: every intent decided again, the chain checked. */
async function replays({ codec, log }: RunningSignalbox, source: Source): Promise<boolean> {
  const rules = {
    contracts: preparedContracts(config.contractSet),
    limits: defaultLimits,
    partitionCount: log.partitionCount,
    agents: config.agents ?? null,
    containment: config.contained,
    sha256,
  }
  const contracts = contractRecords(config.contractSet, sha256, config.contained)
  let decided = 0
  for (let partition = 0; partition < log.partitionCount; partition++) {
    const audit = await auditPartition({ log: source.log, codec, snapshots: null, rules, contracts }, partition)
    if (audit.findings.length > 0 || audit.notDecidedAgain > 0 || audit.undecided > 0) return false
    decided += audit.decidedAgain
  }
  return decided > 0
}

/** Whether the events alone give the state that everybody was shown. */
async function isFoldedAsRead({ gateway, log }: RunningSignalbox, source: Source): Promise<boolean> {
  for (let partition = 0; partition < log.partitionCount; partition++) {
    const folded = listResources(await currentState(source, partition), {})
    if (JSON.stringify(folded) !== JSON.stringify(listResources(gateway.readModel.state(partition), {}))) return false
  }
  return true
}
