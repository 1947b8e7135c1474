export { type Diff, type DiffMode, type DiffOptions, diffLog, type Flip, type Verdict } from './diff.ts'
export { type DecidedRecord, decidedRecords } from './records.ts'
