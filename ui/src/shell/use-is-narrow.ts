import { useSyncExternalStore } from 'react'

const narrow = window.matchMedia('(width < 44rem)')

const follow = (changed: () => void) => {
  narrow.addEventListener('change', changed)
  return () => narrow.removeEventListener('change', changed)
}

/** The same bound as the style sheets' `width < 44rem`. */
export const useIsNarrow = (): boolean => useSyncExternalStore(follow, () => narrow.matches)
