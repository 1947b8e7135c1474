import type { CheckName, PlantedBug } from '../environment.ts'

/** A bug put in on purpose, with the check that must find it. */
export interface BugToFind extends PlantedBug {
  readonly foundBy: CheckName
}
