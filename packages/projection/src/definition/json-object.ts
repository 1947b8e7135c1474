import type { JsonObject } from '@signalbox/contract'
import { z } from 'zod'

/** A field of a row that holds any JSON object, as the data of a resource is one. */
export const jsonObject = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'must be a JSON object',
)
