import { type ReactNode, useEffect } from 'react'

/** A page's frame: its heading, and its name in the title of the window. */
export function Page(props: { title: string; lead?: ReactNode; className?: string; children: ReactNode }) {
  const { title, lead, className = '', children } = props
  useEffect(() => {
    document.title = `${title} · Order payments`
  }, [title])
  return (
    <div className={`page ${className}`}>
      <header className="page-header">
        <h1>{title}</h1>
        {lead && <div className="page-lead">{lead}</div>}
      </header>
      {children}
    </div>
  )
}
