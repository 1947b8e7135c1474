/** A story with its ending as text, the same whoever won. */
import type { Ending, Story } from './story.ts'

/** Names of the actors become "one agent" and "the other": who wins a race is chance, and what is decided is not. */
function neutral(text: string, story: Story, rejected: string): string {
  const other = story.actors.find(({ agent }) => agent !== rejected)!.agent
  const verbs = story.actors.flatMap(({ does }) => does.map(({ action }) => action))
  // Which of two opposite actions won is chance too.
  const oneOfTwo = !story.inTurn && new Set(verbs).size > 1
  let result = text.replaceAll(other, story.inTurn ? other : 'the other agent')
  if (oneOfTwo) for (const verb of verbs) result = result.replaceAll(`: ${verb} by`, ': decided by')
  for (const { does } of story.inTurn ? [] : story.actors)
    for (const { resource } of does) if (resource !== story.shows) result = result.replaceAll(resource, resource.replace(/-[a-z]+$/, ''))
  return result
}

function shownData(story: Story, { shown }: Ending): string {
  if (story.inTurn === true) return `state ${shown.state}`
  const states =
    new Set(story.actors.flatMap(({ does }) => does.map(({ action }) => action))).size > 1 ? 'one state, not two' : `state ${shown.state}`
  const names = story.actors
    .flatMap(({ does }) => does.map(({ input }) => input?.guest as string | undefined))
    .filter((name) => name !== undefined)
  let data = JSON.stringify(shown.data)
  for (const name of names) data = data.replaceAll(name, 'one of the two')
  return `${states}, ${data}`
}

export function tell(story: Story, ending: Ending): string {
  const rejected = ending.decisions.filter(({ decision }) => !decision.committed)
  const committed = ending.decisions.length - rejected.length
  const lines = [story.title, '', `  ${story.scene}`, '', `  without a coordinator  ${story.without}`]
  const count = `${committed} ${committed === 1 ? 'intent is' : 'intents are'} committed, ${rejected.length} rejected`
  lines.push(`  with Signalbox         ${count}`)
  for (const { agent, decision } of rejected) {
    lines.push(`  told instead           ${decision.code}: ${neutral(decision.message!, story, agent)}`)
    if (decision.missed.length > 0)
      lines.push(
        `                         missed: ${decision.missed.map(({ action, version }) => `version ${version}${story.inTurn === true ? ` (${action})` : ''}`).join(', ')}`,
      )
    if (decision.owner !== null) lines.push(`                         owner: ${decision.owner.team}, ${decision.owner.contact}`)
  }
  lines.push(`  the log says           ${ending.shown.resource} at version ${ending.shown.version}, ${shownData(story, ending)}`)
  return lines.join('\n')
}
