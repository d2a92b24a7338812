/** The part of a pino logger that the engine uses; any logger with these four will do. */
export type Log = Record<'debug' | 'info' | 'warn' | 'error', (details: object, message: string) => void>
