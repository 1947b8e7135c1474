/** What an agent wrote after it went wrong is doubtful in all that others made of it, until a human has cleared it. */
import { contractSet, defineContract, none } from '@signalbox/contract'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { owner } from './contracts.ts'
import { Story, startMs } from './specification.ts'

const page = defineContract({
  type: 'page',
  version: 1,
  owner,
  data: z.strictObject({ text: z.string() }),
  states: ['live'],
  actions: {
    write: { from: none, to: 'live', input: z.strictObject({ text: z.string() }) },
    edit: { from: 'live', input: z.strictObject({ text: z.string() }), apply: ({ input }) => input },
  },
  after: {},
})

function world(): Story {
  return new Story({ contracts: contractSet([page]) })
}

const versionOf = (story: Story, name: string) => story.state.resource(`bank-1\u0000page/${name}`)?.version ?? 0
const write = (story: Story, name: string, agent: string, ...read: string[]) =>
  story
    .passes(1_000)
    .when(
      versionOf(story, name) === 0
        ? { resource: `page/${name}`, action: 'write', input: { text: agent } }
        : { resource: `page/${name}`, action: 'edit', input: { text: agent }, expectedVersion: versionOf(story, name) },
      { agent, reads: read.map((each) => ({ resource: `page/${each}`, version: versionOf(story, each) })) },
    )

describe('an innocent agent that builds on tainted data', () => {
  test.each<[string, (story: Story) => void]>([
    [
      'by reading it',
      (story) => {
        write(story, 'a', 'wild')
        write(story, 'b', 'innocent', 'a')
      },
    ],
    [
      'by writing over it',
      (story) => {
        write(story, 'b', 'wild')
        write(story, 'b', 'innocent')
      },
    ],
    [
      'over several hands',
      (story) => {
        write(story, 'a', 'wild')
        write(story, 'c', 'first', 'a')
        write(story, 'd', 'second', 'c')
        write(story, 'b', 'third', 'd')
      },
    ],
    [
      'over so many changes that the resource has forgotten who it was',
      (story) => {
        write(story, 'b', 'wild')
        for (let time = 0; time < 40; time++) write(story, 'b', time % 2 === 0 ? 'first' : 'second')
      },
    ],
  ])('%s does not wash it off', (_how, play) => {
    const story = world()
    play(story)
    story.quarantines('wild', startMs)
    expect(write(story, 'z', 'reader', 'b').summary[0]).toBe('pending escalated TAINTED')
    expect(write(story, 'b', 'reader').summary[0]).toBe('pending escalated TAINTED')
  })

  test('stays asked about until a human has cleared it', () => {
    const story = world()
    write(story, 'a', 'wild')
    write(story, 'b', 'innocent', 'a')
    story.quarantines('wild', startMs)
    const { events } = write(story, 'z', 'reader', 'b')
    const { escalation } = events[0]!.payload as { escalation: string }
    expect(story.resource(escalation).data.message).toContain('page/b builds on what wild, which is in quarantine, wrote')
    const digest = story.resource(escalation).data.digest
    story.when({ resource: escalation, action: 'approve', input: { reason: 'looked', digest } }, { agent: 'human:ann' })
    // What came of it is cleared; what it stood on is not.
    expect(write(story, 'y', 'reader', 'z').summary[0]).toContain('committed')
    expect(write(story, 'x', 'reader', 'b').summary[0]).toBe('pending escalated TAINTED')
  })

  test('is not doubted for what it read before the other went wrong, nor for what stands apart', () => {
    const story = world()
    write(story, 'a', 'wild')
    write(story, 'b', 'innocent', 'a')
    const wrongSinceMs = story.nowMs + 1
    write(story, 'c', 'wild')
    write(story, 'd', 'innocent')
    story.quarantines('wild', wrongSinceMs)
    for (const name of ['a', 'b', 'd']) expect(write(story, `of-${name}`, 'reader', name).summary[0]).toContain('committed')
    expect(write(story, 'of-c', 'reader', 'c').summary[0]).toBe('pending escalated TAINTED')
  })

  test('is doubted no more once the other is released', () => {
    const story = world()
    write(story, 'a', 'wild')
    write(story, 'b', 'innocent', 'a')
    story.quarantines('wild', startMs)
    story.when(
      { resource: 'agent/wild', action: 'release', input: { reason: 'mended' } },
      { agent: 'process-manager', scope: '~partition/0/0' },
    )
    expect(write(story, 'z', 'reader', 'b').summary[0]).toContain('committed')
  })

  test('of many influences the newest are remembered', () => {
    const story = world()
    for (let number = 0; number < 40; number++) write(story, 'a', `agent-${number}`)
    const { influences } = story.state.resource('bank-1\u0000page/a')!
    expect(influences).toHaveLength(16)
    expect(influences.map(({ agent }) => agent)).toContain('agent-38')
    story.quarantines('agent-38', startMs)
    expect(write(story, 'z', 'reader', 'a').summary[0]).toBe('pending escalated TAINTED')
  })
})
