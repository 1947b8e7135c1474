/** Ends itself by a signal, as one that is killed. */
process.kill(process.pid, 'SIGTERM')
await new Promise((resolve) => setTimeout(resolve, 60_000))
