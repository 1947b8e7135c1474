import type { HttpCoordinator } from '@signalbox/client'
import type { RedriveResult } from '@signalbox/dead-letters'
import type { Settings } from '../../settings.ts'

/** What a redrive of any topic needs. */
export interface Redriving {
  readonly settings: Settings
  readonly gateway: HttpCoordinator
  readonly partitionCount: number
  readonly by: string
  readonly reason: string
  readonly batch: string | null
  readonly isDryRun: boolean
  readonly perSecond: number
  readonly signal: AbortSignal
  readonly done: (result: RedriveResult) => void
}
