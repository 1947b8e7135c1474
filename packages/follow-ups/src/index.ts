export { type FactSettings, factOf, SourceFault } from './facts.ts'
export {
  askReaction,
  faultKey,
  followUpsOf,
  type Lineage,
  mostSteps,
  processManagerAgent,
  type ReactionFault,
  type ReactionSettings,
} from './reactions.ts'
export { isLeg } from './transfers.ts'
export { askedAgain, Undecided } from './undecided.ts'
