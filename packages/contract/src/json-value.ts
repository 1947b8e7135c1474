import { z } from 'zod'

/** Any JSON value. It has a name in OpenAPI, since it is made of itself. */
export const jsonValue = z.json().register(z.globalRegistry, { id: 'JsonValue', description: 'Any JSON value' })
