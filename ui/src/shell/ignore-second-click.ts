import type { MouseEvent } from 'react'

/** The second click of a double click may come when the first is answered already, and would act again. */
export function ignoreSecondClick(event: MouseEvent): void {
  if (event.detail > 1) event.preventDefault()
}
