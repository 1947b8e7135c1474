/** Where a resource comes from that does not exist yet. */
export const none = 'none'
