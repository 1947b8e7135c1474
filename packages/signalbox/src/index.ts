export { ContractsRefused } from '@signalbox/sequencer'
export { type RunningSignalbox, type StartOptions, startSignalbox } from './start.ts'
export { software } from './version.ts'
