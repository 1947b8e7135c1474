/** What an actor of a story does, over whatever coordinator it is connected to. */
import type { Agent } from '@signalbox/client'
import type { Decision, Resource } from '@signalbox/contract'
import type { Actor, Step, Story } from './story.ts'

type Proposed = { resource: string; action: string; input: Readonly<Record<string, unknown>> }

function actionsOf({ together, ...step }: Step): Proposed[] {
  return [step, ...(together ?? [])].map(({ action, input, resource }) => ({ resource, action, input: input ?? {} }))
}

/** Looks, then waits for `go`, then proposes on what it saw. Gives its decisions; stops at the first reject. */
export async function act(agent: Agent, story: Pick<Story, 'scope'>, actor: Actor, go: () => Promise<void>): Promise<Decision[]> {
  let seen: Pick<Resource, 'resource' | 'version'>[] = [...(await agent.observe(story.scope, actor.sees)).resources]
  await go()
  const decisions: Decision[] = []
  for (const step of actor.does) {
    const decision = await agent.propose({ scope: story.scope, resources: seen as Resource[] }, actionsOf(step))
    decisions.push(decision)
    if (!decision.committed) break
    // An agent knows what its own commit made of a resource.
    seen = seen.map((each) => decision.changes.find(({ resource }) => resource === each.resource) ?? each)
  }
  return decisions
}

/** Puts on the stage what is there before the two come. */
export async function setUp(agentNamed: (name: string) => Agent, story: Story): Promise<void> {
  for (const { agent, steps } of story.setup) {
    for (const step of steps) {
      const decision = await agentNamed(agent).propose({ scope: story.scope, resources: [] }, actionsOf(step))
      if (!decision.committed) throw new Error(`the story ${story.name} could not be set up: ${decision.code}: ${decision.message}`)
    }
  }
}
