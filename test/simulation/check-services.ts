/** What the services hold in memory at the end of a run, against the model. */
import type { PartitionState } from '@signalbox/core'
import type { Report } from './check-log.ts'
import { sortedText } from './model/intent.ts'
import type { Model } from './model/model.ts'
import { describe } from './process.ts'
import type { World } from './world.ts'

/** Read models of gateways and states of owners, copied while they run, to be compared when the model is there. */
export interface HeldState {
  readonly holder: string
  readonly partition: number
  readonly time: number
  readonly nextOffset: number
  readonly resources: ReadonlyMap<string, string>
}

export function copyHeldStates({ cast, environment }: World): readonly HeldState[] {
  const held: HeldState[] = []
  for (let partition = 0; partition < environment.store.partitionCount; partition++) {
    for (const { life, name } of cast.gateways)
      if (life?.service != null) held.push(copyState(name, life.service.readModel.state(partition)))
    for (const { life, name } of cast.sequencers) {
      const state = life?.service?.sequencer.state(partition)
      if (state != null) held.push(copyState(name, state))
    }
  }
  return held
}

function copyState(holder: string, state: PartitionState): HeldState {
  const resources = new Map<string, string>()
  for (const [key, { data, lastChange, state: inState, version }] of state.resources())
    resources.set(key.replace('\u0000', '\n'), `${version} ${inState} ${data} ${lastChange.intentId}`)
  return { holder, partition: state.partition, time: state.time, nextOffset: state.nextOffset, resources }
}

export function checkHeldStates(held: readonly HeldState[], models: readonly Model[], report: Report): void {
  for (const { holder, nextOffset, partition, resources, time } of held) {
    const model = models[partition]!
    // Time went on after it was copied, and something was due.
    if (nextOffset < model.nextOffset) continue
    const at = `${holder}, partition ${partition}`
    if (time !== model.time) report('read models', `${at}: its time is ${time}, and must be ${model.time}`)
    if (resources.size !== model.resources.size)
      report('read models', `${at}: it holds ${resources.size} resources, and must hold ${model.resources.size}`)
    for (const [key, { data, history, state, version }] of model.resources) {
      const wanted = `${version} ${state} ${sortedText(data)} ${history.at(-1)!.intentId}`
      if (resources.get(key) !== wanted)
        report('read models', `${at}: ${key.replace('\n', ' ')} is ${resources.get(key)}, and must be ${wanted}`)
    }
  }
}

/** Has a gateway explain a few decisions: computed anew, each must be what was recorded. */
export async function checkExplanations({ cast, environment }: World): Promise<void> {
  const { givenDecisions, random, report, trace } = environment
  const draw = random.stream('explanations')
  const service = cast.gateways.map(({ life }) => life?.service ?? null).find((each) => each !== null)
  if (service === undefined || service === null || givenDecisions.length === 0) return
  for (let count = 0; count < 2; count++) {
    const { intentId } = draw.pick(givenDecisions)
    try {
      const explained = await service.production.explain(intentId)
      trace.note(`explained ${intentId}: ${explained?.decision.event} ${explained?.agrees}`)
      if (explained !== null && !explained.agrees)
        report('explained', `${intentId} was decided ${explained.decision.code}, and explained as ${explained.explanation.code}`)
    } catch (error) {
      report('errors', `${intentId} could not be explained: ${describe(error)}`)
    }
  }
}
