/** In the order given, at most `workers` at once; the first failure ends it. */
export async function inParallel<Item>(
  items: readonly Item[],
  workers: number,
  act: (item: Item) => Promise<void>,
): Promise<void> {
  let next = 0
  const work = async () => {
    while (next < items.length) await act(items[next++]!)
  }
  await Promise.all(Array.from({ length: Math.min(workers, items.length) }, work))
}
