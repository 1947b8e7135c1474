export { runProcessManager } from './main.ts'
export { ProcessManager } from './process-manager.ts'
export * from './wiring.ts'
