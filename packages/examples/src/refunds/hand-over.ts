/** A task goes from one agent to another with a packet of what must be known, which the receiver reads and states the digest of. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Agent } from '@signalbox/client'
import { sha256 } from '@signalbox/codec'
import { canonicalize, type Resource } from '@signalbox/contract'
import { replaceFile } from '@signalbox/files'
import { type Candidate, compilePacket, loadTokenizer, type Packet, readback, sealOf } from '@signalbox/handoff'
import type { Answer, Order } from './orders.ts'

type Handing = Extract<Order, { readonly do: 'hand over' }>
type Taking = Extract<Order, { readonly do: 'take over' }>

function fileOf(directory: string, handoff: string): string {
  return join(directory, `packet-${handoff.slice('handoff/'.length)}.json`)
}

function candidateOf({ data, exists, resource, state, version }: Resource): Candidate {
  return { kind: 'resource', resource, version, state: exists ? state : null, data: exists ? canonicalize(data) : null }
}

/** Compiles the packet at the position of one cut, offers it, and lays it where the receiver finds it. */
export async function handOver(agent: Agent, directory: string, { about, scope, task, to }: Handing): Promise<Answer> {
  const seen = await agent.observe(scope, [...about, task])
  const handoff = `handoff/${task.slice('task/'.length)}`
  const { packet } = compilePacket(
    {
      scope,
      position: seen.position,
      time: Date.now(),
      task: { purpose: `Look at what came back for ${about.join(', ')}`, from: agent.name, to, correlationId: null, resources: about },
      candidates: [
        ...seen.resources.map(candidateOf),
        {
          kind: 'note',
          id: `${task} of ${agent.name}`,
          author: agent.name,
          time: Date.now(),
          text: 'The customer says that the seal is unbroken; say received only if it is.',
        },
      ],
      required: about.map((resource) => `resource:${resource}`),
      budget: { tokens: 1_200, bytes: 8_000 },
      fetch: { part: `signalbox resource show "${scope}" {reference}`, rest: `signalbox resource list --scope "${scope}"` },
    },
    { tokenizer: await loadTokenizer(), sha256 },
  )
  replaceFile(fileOf(directory, handoff), canonicalize(packet))
  const { digest, position, references, totals } = packet
  const decision = await agent.propose({ scope, resources: [] }, [
    {
      resource: handoff,
      action: 'offer',
      input: {
        to,
        task,
        seal: sealOf(digest, sha256),
        position,
        references: references.filter(({ resource }) => resource !== task),
        withinMs: 60_000,
      },
    },
  ])
  return { packet: { tokens: totals.tokens, parts: totals.parts }, decision }
}

/** Reads the packet, and accepts with the digest of what it has read. */
export async function takeOver(agent: Agent, directory: string, { handoff, scope }: Taking): Promise<Answer> {
  const packet = JSON.parse(readFileSync(fileOf(directory, handoff), 'utf8')) as Packet
  const decision = await agent.propose(await agent.observe(scope, [handoff]), [
    { resource: handoff, action: 'accept', input: { readback: readback(packet, sha256) } },
  ])
  return { decision }
}
