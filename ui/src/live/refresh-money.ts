import type { QueryClient } from '@tanstack/react-query'

const intervalMs = 300

/** Reads accounts anew after their orders settled; in a burst once per interval and account, not per order. */
export function refreshMoney(queries: QueryClient) {
  const moved = new Set<number>()
  let timer: ReturnType<typeof setTimeout> | undefined
  const refresh = () => {
    timer = undefined
    for (const userId of moved) void queries.invalidateQueries({ queryKey: ['account', userId] })
    moved.clear()
  }
  return {
    moved(userId: number): void {
      moved.add(userId)
      timer ??= setTimeout(refresh, intervalMs)
    },
    stop: () => clearTimeout(timer),
  }
}
