/** Whom the simulated installation tells of escalations. */
export const targets: readonly string[] = ['leads', 'pager']

/** By the names that contracts ask. */
export const routes: Readonly<Record<string, readonly string[]>> = { board: ['pager'], buyers: ['leads', 'pager'] }
