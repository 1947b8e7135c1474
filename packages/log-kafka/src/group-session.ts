import { AssignerProtocol } from 'kafkajs'
import type { Broker } from 'kafkajs/src/broker/index.js'
import { Client } from './client.ts'
import { deal, type MemberClaim } from './deal.ts'
import { errorType } from './errors.ts'
import { laneCount, laneOf, partitionsOf } from './lanes.ts'
import type { Settings } from './settings.ts'

const PROTOCOL = 'signalbox-sticky'
const PROTOCOL_VERSION = 0
/** How much longer than a revocation may take the group waits for a member to come back. */
const REJOIN_MARGIN_MS = 5_000

export interface GroupSessionOptions {
  readonly settings: Settings
  readonly group: string
  readonly topic: string
  readonly partitionCount: number
}

export interface Round {
  readonly generation: number
  readonly partitions: readonly number[]
}

export type Heartbeat =
  | 'member'
  /** The group is being dealt anew: let go, then join again. */
  | 'rebalancing'
  /** The group has gone on without this member. */
  | 'expelled'

const EXPELLED: ReadonlySet<string> = new Set(['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'])

/**
 * The requests of a member of a consumer group, and nothing else. kafkajs's consumer would also fetch, commit offsets and
 * tell of a rebalance only after it has let go; the group is wanted here for its assignments alone.
 */
export class GroupSession {
  readonly #options: GroupSessionOptions
  readonly #client: Client
  #memberId = ''
  #generation = -1
  #coordinatorBroker: Broker | undefined

  constructor(options: GroupSessionOptions) {
    this.#options = options
    this.#client = new Client(options.settings, [options.topic])
  }

  /** Joins, deals the partitions when this member is to, and resolves to what it got; null when it has to begin again. */
  async join(held: readonly number[], refused: readonly number[] = []): Promise<Round | null> {
    const { settings, group, topic } = this.#options
    const metadata = AssignerProtocol.MemberMetadata.encode({
      version: PROTOCOL_VERSION,
      topics: [topic],
      userData: Buffer.from(JSON.stringify(refused.length === 0 ? held : { held, refused })),
    })
    return this.#ask(async (coordinator) => {
      const joined = await coordinator.joinGroup({
        groupId: group,
        sessionTimeout: settings.sessionTimeoutMs,
        rebalanceTimeout: settings.revokeTimeoutMs + REJOIN_MARGIN_MS,
        memberId: this.#memberId,
        groupProtocols: [{ name: PROTOCOL, metadata }],
      })
      this.#memberId = joined.memberId
      this.#generation = joined.generationId
      const { memberAssignment } = await coordinator.syncGroup({
        groupId: group,
        generationId: joined.generationId,
        memberId: joined.memberId,
        groupAssignment: joined.leaderId === joined.memberId ? this.#deal(joined.members) : [],
      })
      const assignment = AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment ?? {}
      return { generation: joined.generationId, partitions: [...(assignment[topic] ?? [])].sort((left, right) => left - right) }
    })
  }

  async heartbeat(): Promise<Heartbeat> {
    const { group } = this.#options
    try {
      const coordinator = await this.#coordinator()
      await coordinator.heartbeat({ groupId: group, groupGenerationId: this.#generation, memberId: this.#memberId })
      return 'member'
    } catch (error) {
      const type = errorType(error) ?? ''
      if (type === 'REBALANCE_IN_PROGRESS') return 'rebalancing'
      if (EXPELLED.has(type)) {
        this.forget()
        return 'expelled'
      }
      await this.#lookAgain()
      throw error
    }
  }

  /** The group no longer knows this member, or is not to be asked: the next join is that of a new one. */
  forget(): void {
    this.#memberId = ''
    this.#generation = -1
  }

  async leave(): Promise<void> {
    if (this.#memberId === '') return
    const memberId = this.#memberId
    this.forget()
    const coordinator = await this.#coordinator()
    await coordinator.leaveGroup({ groupId: this.#options.group, memberId })
  }

  disconnect(reason: Error): Promise<void> {
    return this.#client.disconnect(reason)
  }

  async #ask(call: (coordinator: Broker) => Promise<Round>): Promise<Round | null> {
    try {
      return await call(await this.#coordinator())
    } catch (error) {
      const type = errorType(error) ?? ''
      if (type === 'REBALANCE_IN_PROGRESS') return null
      if (EXPELLED.has(type)) {
        this.forget()
        return null
      }
      await this.#lookAgain()
      throw error
    }
  }

  async #coordinator(): Promise<Broker> {
    this.#coordinatorBroker ??= await this.#client.coordinator('group', this.#options.group)
    return this.#coordinatorBroker
  }

  async #lookAgain(): Promise<void> {
    this.#coordinatorBroker = undefined
    await this.#client.refresh()
  }

  #deal(members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]) {
    const { topic, partitionCount } = this.#options
    const claims = members.map(({ memberId, memberMetadata }) => ({ memberId, ...claimOf(memberMetadata) }))
    return [...deal(claims, laneCount(partitionCount))].map(([memberId, lanes]) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: PROTOCOL_VERSION,
        assignment: { [topic]: partitionsOf(lanes, partitionCount) },
        userData: Buffer.alloc(0),
      }),
    }))
  }
}

/** A list of the partitions that it has, or an object that names besides those that it can never have. */
function claimOf(memberMetadata: Buffer): Omit<MemberClaim, 'memberId'> {
  try {
    const claim: unknown = JSON.parse(AssignerProtocol.MemberMetadata.decode(memberMetadata)?.userData.toString() ?? '[]')
    if (Array.isArray(claim)) return { held: lanesOf(claim) }
    const { held, refused } = claim as { readonly held?: unknown; readonly refused?: unknown }
    return { held: lanesOf(held), refused: lanesOf(refused) }
  } catch {
    // A claim is a wish only; without it the partitions are dealt all the same.
    return { held: [] }
  }
}

function lanesOf(partitions: unknown): readonly number[] {
  return Array.isArray(partitions) ? partitions.filter((partition) => Number.isInteger(partition)).map(laneOf) : []
}
