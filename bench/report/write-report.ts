import { mkdirSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { asMarkdown } from './markdown.ts'
import { asPage } from './page.ts'
import type { Report } from './report.ts'

/** Writes what was found in three forms, and answers where they are. */
export function writeReport(report: Report, folder: string): string[] {
  const target = join(folder, report.startedAt.replaceAll(':', '-').slice(0, 19))
  mkdirSync(target, { recursive: true })
  const files = {
    'result.json': JSON.stringify(report, null, 2),
    'table.md': asMarkdown(report),
    'page.html': asPage(report),
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(target, name), content)
  const where = relative(process.cwd(), target)
  const wide = report.measures.filter(({ isQuotable }) => !isQuotable).length
  return [
    ...(wide > 0
      ? [`${wide} of ${report.measures.length} figures came out too differently to be quoted.`]
      : []),
    `Written to ${where}: ${Object.keys(files).join(', ')}`,
  ]
}
