import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sparticuz, { inflate } from '@sparticuz/chromium'
import { type Browser, chromium } from 'playwright-core'

/**
 * A headless Chromium that comes with npm, so that the tests need no browser installed. Its libraries (libnss3 and
 * what it needs) come with it too, for machines that lack them. CHROMIUM_PATH names another one; where the packaged
 * one does not run (macOS, arm64), an installed Chrome is used.
 */
export async function openBrowser(): Promise<Browser> {
  const args = ['--no-sandbox', '--disable-gpu', '--force-color-profile=srgb']
  if (process.env.CHROMIUM_PATH) {
    return chromium.launch({ executablePath: process.env.CHROMIUM_PATH, args })
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return chromium.launch({ channel: 'chrome', args })
  }
  const executablePath = await sparticuz.executablePath()
  try {
    return await chromium.launch({ executablePath, args })
  } catch (error) {
    if (!String(error).includes('error while loading shared libraries')) throw error
    return chromium.launch({ executablePath, args, env: { ...process.env, ...(await ownLibraries()) } })
  }
}

async function ownLibraries(): Promise<Record<string, string>> {
  const packed = join(import.meta.dirname, '../node_modules/@sparticuz/chromium/bin/al2023.tar.br')
  await inflate(packed)
  const path = [join(tmpdir(), 'al2023/lib'), process.env.LD_LIBRARY_PATH].filter(Boolean).join(':')
  return { LD_LIBRARY_PATH: path }
}
