export type { ParkedLetter } from './dead-letters.ts'
export { RequestRefused } from './problems.ts'
export { Projector, type ProjectorWiring, startProjector } from './projector.ts'
export { createProjectorServer, type ListenSettings, type ProjectorServer } from './server.ts'
