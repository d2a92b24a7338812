/** Numbers from 0 to 1 that follow from the seed. Mulberry32, by Tommy Ettinger (public domain). */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export type Draw = {
  random: () => number
  /** A whole number, both ends included. */
  between(min: number, max: number): number
  pick<Item>(items: readonly Item[]): Item
  /** True this often, of 1. */
  chance(of: number): boolean
}

export function drawFrom(seed: number): Draw {
  const random = seededRandom(seed)
  const between = (min: number, max: number) => min + Math.floor(random() * (max - min + 1))
  return {
    random,
    between,
    pick: items => items[between(0, items.length - 1)]!,
    chance: of => random() < of,
  }
}
