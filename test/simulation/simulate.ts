import { runSeed } from './simulation.ts'
const from = Number(process.argv[2] ?? 1), n = Number(process.argv[3] ?? 20)
const t = performance.now()
let intents=0, steps=0, bad=0
const faults: Record<string, number> = {}
for (let seed = from; seed < from + n; seed++) {
  const r = await runSeed(seed, process.argv[4] ? { print: (l) => process.stderr.write(l) } : {})
  intents += r.intents; steps += r.steps
  for (const [k, v] of Object.entries(r.faults)) faults[k] = (faults[k] ?? 0) + v
  if (r.violations.length) { bad++; console.log(seed, r.virtualMs, r.violations.slice(0, 3)) }
}
console.log({ intents, steps, bad, per_s: n / ((performance.now() - t) / 1000), faults })
