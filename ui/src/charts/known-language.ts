// Import this before uPlot, which as it is evaluated hands navigator.language to Intl. Chromium calls it en-US@posix under
// LANG=C; Intl throws at that, and the page would not come. Intl's own default takes its place.
try {
  Intl.getCanonicalLocales(navigator.language)
} catch {
  Object.defineProperty(navigator, 'language', { value: new Intl.NumberFormat().resolvedOptions().locale })
}
