/** The agents that act for Signalbox itself: nothing is counted of them. */
const ownAgents: ReadonlySet<string> = new Set(['clock', 'process-manager', 'signalbox'])

export function isOwnAgent(agent: string): boolean {
  return ownAgents.has(agent)
}
