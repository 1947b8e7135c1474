import packageJson from '../package.json' with { type: 'json' }

/** Name and version of the program, as logs and events record it. */
export const software = `signalbox ${packageJson.version}`
