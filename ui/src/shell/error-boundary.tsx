import { Component, type ReactNode } from 'react'
import { Page } from './page.tsx'
import { Failed } from './states.tsx'

/** A page that breaks leaves the rest of the app standing. React knows no hook for this. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { isBroken: boolean }> {
  override state = { isBroken: false }

  static getDerivedStateFromError() {
    return { isBroken: true }
  }

  override render() {
    if (!this.state.isBroken) return this.props.children
    const error = new Error(
      'This page broke, and that is our mistake. Your orders are not affected; load it again.',
    )
    return (
      <Page title="Broken">
        <Failed error={error} onRetry={() => window.location.reload()} />
      </Page>
    )
  }
}
