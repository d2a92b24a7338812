/** Bounded, and without the NUL that PostgreSQL takes in no text. */
export const storable = (text: string): string => text.replaceAll('\0', '').slice(0, 2_000)

/** Why something failed, for people. */
export const reasonOf = (error: unknown): string =>
  storable(error instanceof Error ? `${error.name}: ${error.message}` : String(error))
