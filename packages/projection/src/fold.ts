/** For hosts and stores: the fold that a projection defines. */
export { Fold, type ParkedEvent } from './definition/fold.ts'
