export { followUpsOf, processManagerAgent, ReactionFault, type ReactionSettings } from './reactions.ts'
export { isLeg } from './transfers.ts'
export { askedAgain, Undecided } from './undecided.ts'
