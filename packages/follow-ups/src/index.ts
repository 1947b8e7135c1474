export { type FactSettings, factOf, SourceFault } from './facts.ts'
export { processManagerAgent } from './own-follow-up.ts'
export {
  askReaction,
  faultKey,
  followUpsOf,
  type Lineage,
  mostSteps,
  type ReactionFault,
  type ReactionSettings,
} from './reactions.ts'
export { isLeg } from './transfers.ts'
export { askedAgain, Undecided } from './undecided.ts'
