import { Component, type ReactNode } from 'react'
import { Page } from './page.tsx'
import { PageNotLoaded } from './page-import.ts'
import { Failed } from './states.tsx'

type State = { error?: unknown }

/** A page that breaks leaves the rest of the app standing. React knows no hook for this. */
export class ErrorBoundary extends Component<{ children: ReactNode }, State> {
  override state: State = {}

  static getDerivedStateFromError(error: unknown): State {
    return { error }
  }

  override render() {
    if (!('error' in this.state)) return this.props.children
    const isLoaded = !(this.state.error instanceof PageNotLoaded)
    const error = new Error(
      isLoaded
        ? 'This page broke, and that is our mistake. Your orders are not affected; load it again.'
        : 'This page could not be loaded. Check the connection, then try again.',
    )
    return (
      <Page title={isLoaded ? 'Broken' : 'Not loaded'}>
        <Failed error={error} onRetry={() => window.location.reload()} />
      </Page>
    )
  }
}
