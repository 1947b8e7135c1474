export { derivedId } from './derived-id.ts'
export { ProcessManager } from './process-manager.ts'
export { followUpsOf, processManagerAgent, ReactionFault } from './reactions.ts'
export * from './wiring.ts'
