export { planOf } from './plan.ts'
export { Counter, type Tally } from './tally.ts'
