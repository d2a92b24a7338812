export class PageNotLoaded extends Error {
  override name = 'PageNotLoaded'
}

/** Of Chromium, Firefox, Safari, and of Vite for a page's styles: they share no type or code. */
const notFetched = /dynamically imported module|Importing a module script failed|Unable to preload CSS/

/**
 * What `import()` brings. Throws PageNotLoaded where it does not come, which is the connection's fault; what a page throws
 * as it is evaluated is ours, and stays as it is.
 */
export async function arrived<Module>(imported: Promise<Module>): Promise<Module> {
  try {
    return await imported
  } catch (cause) {
    if (!notFetched.test(String(cause))) throw cause
    throw new PageNotLoaded('The page did not come', { cause })
  }
}
