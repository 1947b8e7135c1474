/** What every store promises, as cases that any test runner can run; each on a store made for it alone. */
import type { ConformanceCase } from './case.ts'
import { generationCases } from './generations.ts'
import { ownershipCases } from './ownership.ts'
import { readingCases } from './reading.ts'
import { writingCases } from './writing.ts'

export type { ConformanceCase, ConformanceStore } from './case.ts'

export const conformanceCases: readonly ConformanceCase[] = [...writingCases, ...generationCases, ...ownershipCases, ...readingCases]
