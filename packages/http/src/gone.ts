import type { FastifyReply } from 'fastify'

/** Aborted when whoever asked has gone before the answer: nobody is to wait, or work, for them. */
export function goneSignal({ raw }: FastifyReply): AbortSignal {
  const gone = new AbortController()
  // With a reason, or an error with its stack is made for nobody.
  raw.once('close', () => raw.writableFinished || gone.abort('gone'))
  return gone.signal
}
