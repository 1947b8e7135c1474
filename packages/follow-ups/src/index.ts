export { followUpsOf, processManagerAgent, ReactionFault, type ReactionSettings } from './reactions.ts'
export { isLeg } from './transfers.ts'
export { Undecided } from './undecided.ts'
