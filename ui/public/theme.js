// Runs before the first paint, so that a chosen theme does not flash. A file, since the policy forbids inline scripts.
const theme = localStorage.getItem('theme')
if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
