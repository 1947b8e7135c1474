import assert from 'node:assert/strict'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { type RunningCluster, startCluster } from '../../../infra/kafka/cluster.ts'
import { publicClient } from '../src/client.ts'
import { applyKafkaTopics, createTopics, describeStep, openKafkaLog, planKafkaTopics } from '../src/index.ts'
import { settingsOf, TOPIC_IDS, type TopicId } from '../src/settings.ts'
import { type Cluster, type FoundTopic, planTopics, TOPIC_DESIGNS, type WantedTopics } from '../src/topic-plan.ts'
import { PATIENCE_MS } from './support/records.ts'

const timeout = 120_000

describe('replicas, on three brokers', { timeout }, () => {
  let cluster: RunningCluster
  beforeAll(async () => {
    cluster = await startCluster({ brokers: 3 })
  }, timeout)
  afterAll(() => cluster.stop())

  it('too few of them: the command that the plan prints gives each partition more', async () => {
    const options = { brokers: cluster.brokers, topicPrefix: 'few' }
    await createTopics({ ...options, partitions: 3, replicationFactor: 1, minInSyncReplicas: 1 })
    const { steps, warnings } = await planKafkaTopics({ ...options, replicationFactor: 3 })
    assert.equal(steps.length, TOPIC_IDS.length)
    assert.match(warnings.join('\n'), /few\.events is on one broker only, and is gone with it/)
    const admin = publicClient(settingsOf(options)).admin()
    await admin.connect()
    const topics = steps.map((step) => {
      const line = describeStep(step)
      const command =
        /by hand: (\S+) has 1 replicas, and 3 are wanted\. echo '(.+)' > replicas\.json && kafka-reassign-partitions\.sh --bootstrap-server (\S+) --reassignment-json-file replicas\.json --execute/.exec(
          line,
        )
      assert.ok(command !== null, line)
      assert.equal(command[3], cluster.brokers)
      const { partitions } = JSON.parse(command[2]!) as { partitions: { topic: string; partition: number; replicas: number[] }[] }
      assert.ok(partitions.every(({ topic }) => topic === command[1]))
      return { topic: command[1]!, partitionAssignment: partitions.map(({ partition, replicas }) => ({ partition, replicas })) }
    })
    // What the tool sends with this file.
    await admin.alterPartitionReassignments({ topics })
    await admin.disconnect()
    await untilPlanned({ ...options, replicationFactor: 3 })
    const better = await planKafkaTopics(options)
    assert.match(better.warnings.join('\n'), /few\.events acknowledges what a single replica has.*--min-in-sync-replicas 2/)
    await applyKafkaTopics({ ...options, minInSyncReplicas: 2 })
    assert.deepEqual(await planKafkaTopics({ ...options, replicationFactor: 3, minInSyncReplicas: 2 }), {
      partitions: 3,
      steps: [],
      warnings: [],
    })
  })

  it('a log is opened although one of three has just died', async () => {
    const options = { brokers: cluster.brokers, topicPrefix: 'bereft' }
    await createTopics({ ...options, partitions: 2 })
    await cluster.members[1]!.kill()
    try {
      const logs = await Promise.all(Array.from({ length: 8 }, () => openKafkaLog(options)))
      await Promise.all(logs.map((log) => log.close()))
    } finally {
      await cluster.members[1]!.restart()
    }
  })

  it("as many as the brokers' default, where none are asked for", async () => {
    const options = { brokers: cluster.brokers, topicPrefix: 'default' }
    await createTopics({ ...options, partitions: 2 })
    assert.deepEqual((await planKafkaTopics({ ...options, replicationFactor: 3, minInSyncReplicas: 2 })).steps, [])
  })
})

async function untilPlanned(options: Parameters<typeof planKafkaTopics>[0]): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const { steps } = await planKafkaTopics(options)
    if (steps.length === 0) return
    if (performance.now() > deadline) throw new Error(`still to be done after ${PATIENCE_MS} ms: ${steps.map(describeStep).join('; ')}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

describe('the plan', () => {
  const wanted: WantedTopics = { topicPrefix: 'p', partitions: undefined, replicationFactor: undefined, minInSyncReplicas: undefined }
  const asDesigned = (id: TopicId, changes: Readonly<Record<string, string>> = {}) => {
    const designed = Object.entries(TOPIC_DESIGNS[id].settings).map(([name, { value }]) => [name, value] as const)
    return new Map<string, string>([...designed, ['min.insync.replicas', '2'], ...Object.entries(changes)])
  }
  const cluster = (change: (id: TopicId) => Partial<FoundTopic> = () => ({})): Cluster => {
    const partitions = [{ id: 0, replicas: [1, 2, 3], inSync: [1, 2, 3] }]
    const ids = Object.keys(TOPIC_DESIGNS) as TopicId[]
    const topics = ids.map((id) => [id, { partitions, settings: asDesigned(id), ...change(id) }] as const)
    return { brokers: 'a:1', brokerIds: [1, 2, 3], topics: new Map(topics) }
  }
  const settingsOfIntents = (changes: Readonly<Record<string, string>>) =>
    cluster((id) => (id === 'intents' ? { settings: asDesigned(id, changes) } : {}))

  it('is empty for topics as they are designed', () => {
    assert.deepEqual(planTopics(wanted, cluster()), { partitions: 1, steps: [], warnings: [] })
  })

  it('lets intents stay longer, and not shorter, than a week', () => {
    for (const longer of ['604800000', '700000000', '-1'])
      assert.deepEqual(planTopics(wanted, settingsOfIntents({ 'retention.ms': longer })).steps, [])
    const [step] = planTopics(wanted, settingsOfIntents({ 'retention.ms': '3600000' })).steps
    assert.deepEqual(step, { action: 'set', topic: 'p.intents', setting: 'retention.ms', from: '3600000', to: '604800000' })
  })

  it('never compacts the events or elects a leader that lags', () => {
    for (const [name, value] of [
      ['cleanup.policy', 'compact,delete'],
      ['unclean.leader.election.enable', 'true'],
    ] as const) {
      const found = cluster((id) => (id === 'events' ? { settings: asDesigned(id, { [name]: value }) } : {}))
      assert.deepEqual(planTopics(wanted, found).steps.map(describeStep), [
        `set ${name}=${name === 'cleanup.policy' ? 'delete' : 'false'} on p.events (now ${value})`,
      ])
    }
  })

  it('warns of partitions that cannot be written to', () => {
    const found = cluster(() => ({ partitions: [{ id: 0, replicas: [1, 2, 3], inSync: [1] }] }))
    assert.match(planTopics(wanted, found).warnings.join('\n'), /p\.intents cannot be written to in 1 of its partitions: too few replicas/)
  })
})
