export type { ParkedLetter } from './dead-letters.ts'
export { runProjector } from './main.ts'
export { Projector, type ProjectorWiring, startProjector } from './projector.ts'
export { createProjectorServer } from './server.ts'
