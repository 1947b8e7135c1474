/** Where the log takes its time from; a simulator gives a virtual one. */
export { type Clock as LogClock, systemClock } from '@signalbox/log'
