import { useVirtualizer } from '@tanstack/react-virtual'
import { type ReactNode, useEffect, useRef } from 'react'
import { useIsNarrow } from '../shell/use-is-narrow.ts'
import './virtual-rows.css'

type Props<Row> = {
  label: string
  rows: Row[]
  keyOf(row: Row): string
  header: ReactNode
  /** A row is rendered for what is in view only, so its component must hold no state. */
  children(row: Row): ReactNode
  rowHeight: { wide: number; narrow: number }
  className: string
  /** Rows there are in all where that is known, else as many as were read. */
  hasMore: boolean
  isLoadingMore: boolean
  onMore(): void
}

/** How many rows from the end the next page is asked for. */
const aheadRows = 40

/**
 * A table of any length: a screenful of rows is in the document, and the next page comes before its end is seen.
 * Roles instead of table elements, since a laid-out `<tr>` is no table row for every browser.
 */
export function VirtualRows<Row>(props: Props<Row>) {
  const { label, rows, keyOf, header, children, rowHeight, className, hasMore, isLoadingMore, onMore } = props
  const scroller = useRef<HTMLDivElement>(null)
  const height = useIsNarrow() ? rowHeight.narrow : rowHeight.wide
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    getItemKey: index => keyOf(rows[index] as Row),
    overscan: 8,
  })
  // biome-ignore lint/correctness/useExhaustiveDependencies: measured anew when the rows change their height
  useEffect(() => virtual.measure(), [height])

  const shown = virtual.getVirtualItems()
  const isNearEnd = (shown.at(-1)?.index ?? 0) >= rows.length - aheadRows
  useEffect(() => {
    if (isNearEnd && hasMore && !isLoadingMore) onMore()
  }, [isNearEnd, hasMore, isLoadingMore, onMore])

  return (
    <div
      ref={scroller}
      className={`virtual-table ${className}`}
      role="table"
      aria-label={label}
      aria-rowcount={hasMore ? -1 : rows.length + 1}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
      tabIndex={0}
    >
      <div role="rowgroup" className="virtual-head">
        {header}
      </div>
      <div role="rowgroup" className="virtual-space" style={{ height: virtual.getTotalSize() }}>
        {shown.map(item => (
          <div
            key={item.key}
            role="row"
            aria-rowindex={item.index + 2}
            className="virtual-row"
            style={{ height: item.size, transform: `translateY(${item.start}px)` }}
          >
            {children(rows[item.index] as Row)}
          </div>
        ))}
      </div>
      {isLoadingMore && <p className="virtual-more">Loading more…</p>}
    </div>
  )
}
